"""Files: made, listed, read, deleted, expired."""

from __future__ import annotations

import pytest

from tests.server.files.world import DAY, NEW, PLACE, World, as_caller, form
from understudy.v1 import file_pb2
from understudy_server.errors import (
    IdempotencyMismatch,
    InvalidRequest,
    NotFound,
    StateConflict,
    TooLarge,
)
from understudy_server.store import tables
from understudy_server.store.commits import commit_new


@pytest.fixture
def world() -> World:
    return World()


def named(filename: str, purpose: int = 1, seconds: int | None = None) -> file_pb2.NewFile:
    new = file_pb2.NewFile(filename=filename, purpose=purpose)  # type: ignore[arg-type]  # any number
    if seconds is not None:
        new.expires_after.anchor = file_pb2.FILE_EXPIRATION_ANCHOR_CREATED_AT
        new.expires_after.seconds = seconds
    return new


async def test_a_file(world: World) -> None:
    core = world.core()
    file = await core.create(b"x" * 2_500)
    assert file == file_pb2.File(
        id=file.id,
        purpose=file_pb2.FILE_PURPOSE_ASSISTANTS,
        filename="notes.txt",
        bytes=2_500,
        created_at=1_700_000_000,
        status=file_pb2.FILE_STATUS_PROCESSED,
    )
    assert file.id.startswith("file-")
    assert await core.get(file.id) == file
    assert await core.read(file.id) == b"x" * 2_500
    assert await world.faults() == []


@pytest.mark.parametrize("at", [0, 1, 2, 3])
async def test_the_metadata_stands_anywhere(world: World, at: int) -> None:
    core = world.core()
    file = await core.files.create(as_caller(), form(NEW, b"x" * 2_500, at=at))
    assert (file.filename, file.bytes) == ("notes.txt", 2_500)


@pytest.mark.parametrize(
    ("new", "data", "reason", "param"),
    [
        (None, b"x", "MISSING_REQUIRED_PARAMETER", "metadata"),
        (None, b"", "MISSING_REQUIRED_PARAMETER", "metadata"),
        (NEW, b"", "INVALID_VALUE", "file"),
        (named(" \t"), b"x", "INVALID_VALUE", "filename"),
        (named("a\x00b"), b"x", "INVALID_VALUE", "filename"),
        (named("a\nb"), b"x", "INVALID_VALUE", "filename"),
        (named("a\x85b"), b"x", "INVALID_VALUE", "filename"),
    ],
)
@pytest.mark.parametrize("at", [0, 1])
async def test_what_is_no_file(
    world: World, new: file_pb2.NewFile | None, data: bytes, reason: str, param: str, at: int
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await world.core().files.create(as_caller(), form(new, data, at=at))
    assert (caught.value.reason, caught.value.param) == (reason, param)
    await world.settle()
    assert (await world.faults(), len(world.blobs)) == ([], 0)


async def test_metadata_that_comes_twice(world: World) -> None:
    async def twice() -> object:
        for _ in range(2):
            yield file_pb2.CreateFileRequest(metadata=NEW)
            yield file_pb2.CreateFileRequest(data=b"x")

    with pytest.raises(InvalidRequest, match="given more than once"):
        await world.core().files.create(as_caller(), twice())  # type: ignore[arg-type]  # it is
    await world.settle()
    assert (await world.faults(), len(world.blobs)) == ([], 0)


async def test_a_message_that_is_too_long(world: World) -> None:
    with pytest.raises(InvalidRequest, match="at most 1048576 bytes in one message"):
        await world.core().files.create(as_caller(), form(NEW, bytes(1_048_577), piece=2_000_000))


@pytest.mark.parametrize(
    "filename",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "C:\\autoexec.bat",
        "Grüße 世界 🎉.txt",
        "a\u202etxt.exe",
        ".",
        "e\u0301",
        "\u00e9",
        "x" * 512,
        "no extension",
    ],
)
async def test_a_name_is_kept_as_it_is(world: World, filename: str) -> None:
    core = world.core()
    file = await core.create(b"x", new=named(filename))
    assert (await core.get(file.id)).filename == filename
    assert await core.read(file.id) == b"x"


async def test_a_file_of_the_limit_and_one_byte_more() -> None:
    world = World(limit=5_000)
    core = world.core()
    await core.create(bytes(5_000))
    with pytest.raises(TooLarge, match="takes at most 5000 bytes"):
        await core.create(bytes(5_001))
    await world.settle()
    assert (await world.faults(), len(world.blobs)) == ([], 1)


async def test_what_is_not_there(world: World) -> None:
    core = world.core()
    for call in (core.get, core.read, core.delete):
        with pytest.raises(NotFound, match="No such File object: fake_id") as caught:
            await call("fake_id")
        assert caught.value.param == "id"


async def test_files_of_another_project_do_not_exist(world: World) -> None:
    core = world.core()
    file = await core.create(b"x", project="other")
    for call in (core.get, core.read, core.delete):
        with pytest.raises(NotFound):
            await call(file.id)
    assert list((await core.list()).data) == []
    with pytest.raises(NotFound):
        await core.list(after=file.id)
    assert await core.read(file.id, project="other") == b"x"


@pytest.mark.parametrize(("purpose", "word"), [(1, "assistants"), (5, "user_data")])
async def test_files_that_are_not_given_back(purpose: int, word: str) -> None:
    core = World(downloads=False).core()
    file = await core.create(b"x", new=named("a", purpose))
    with pytest.raises(StateConflict) as caught:
        await core.read(file.id)
    assert caught.value.message == f"Not allowed to download files of purpose: {word}"


@pytest.mark.parametrize("purpose", [2, 3, 4, 6])
async def test_files_that_are_given_back_in_any_case(purpose: int) -> None:
    core = World(downloads=False).core()
    assert await core.read((await core.create(b"x", new=named("a", purpose))).id) == b"x"


async def test_a_deleted_file_is_gone_with_its_bytes(world: World) -> None:
    core = world.core()
    file, other = await core.create(b"one"), await core.create(b"two")
    await core.delete(file.id)
    assert len(world.blobs) == 1
    for call in (core.get, core.read, core.delete):
        with pytest.raises(NotFound):
            await call(file.id)
    assert [each.id for each in (await core.list()).data] == [other.id]
    # Without waiting for anything.
    assert await world.faults() == []


async def test_a_deleted_file_leaves_its_vector_stores(world: World) -> None:
    core = world.core()
    file = await core.create(b"x")
    for number in range(120):
        pointer = tables.pointer(tables.stores_with(file.id), f"vs_{number}", number)
        await commit_new(world.store, PLACE, [pointer], world.clock)
    await core.delete(file.id)
    assert sorted(core.left) == sorted((f"vs_{number}", file.id) for number in range(120))
    assert await world.faults() == []


async def test_listing(world: World) -> None:
    core = world.core()
    made = [(await core.create(b"x", new=named("a", 1 + number % 2))).id for number in range(7)]
    newest_first = made[::-1]

    async def ids(**request: object) -> tuple[list[str], bool]:
        page = await core.list(**request)
        found = [file.id for file in page.data]
        ends = (page.first_id, page.last_id) if found else ("", "")
        assert ends == ((found[0], found[-1]) if found else ("", ""))
        return found, page.has_more

    assert await ids() == (newest_first, False)
    assert await ids(order=1) == (made, False)
    assert await ids(limit=3) == (newest_first[:3], True)
    assert await ids(limit=7) == (newest_first, False)
    assert await ids(limit=3, after=newest_first[2]) == (newest_first[3:6], True)
    assert await ids(limit=3, after=newest_first[5]) == (newest_first[6:], False)
    assert await ids(order=1, limit=2, after=made[4]) == (made[5:], False)
    assert await ids(after=made[0]) == ([], False)
    vision = [id for id in newest_first if id in made[1::2]]
    assert await ids(purpose=file_pb2.FILE_PURPOSE_BATCH) == (vision, False)
    assert await ids(purpose=file_pb2.FILE_PURPOSE_BATCH, limit=1, after=vision[0]) == (
        vision[1:2],
        True,
    )
    assert await ids(purpose=file_pb2.FILE_PURPOSE_EVALS) == ([], False)


async def test_a_page_that_grows_too_large_ends_early(world: World) -> None:
    core = world.core()
    for _ in range(2_000):
        await core.create(b"x", new=named("\U0001f389" * 512))
    found: list[str] = []
    after = None
    while True:
        page = await core.list(after=after)
        assert page.ByteSize() < 4 * 1024 * 1024
        found += [file.id for file in page.data]
        if not page.has_more:
            break
        after = found[-1]
    assert len(found) == len(set(found)) == 2_000


async def test_files_are_listed_as_they_were_made_whatever_the_clocks_say(world: World) -> None:
    core = world.core()
    first = await core.create(b"x")
    world.clock.set_wall(world.clock.wall() - 60_000_000)
    second = await core.create(b"x")
    assert [file.id for file in (await core.list()).data] == [second.id, first.id]


async def test_an_expired_file_is_gone_at_once(world: World) -> None:
    core = world.core()
    file = await core.create(b"x", new=named("a", seconds=3_600))
    stays = await core.create(b"y")
    assert file.expires_at == file.created_at + 3_600
    await world.clock.advance(3_599)
    assert await core.read(file.id) == b"x"
    await world.clock.advance(1)
    for call in (core.get, core.read, core.delete):
        with pytest.raises(NotFound):
            await call(file.id)
    assert [each.id for each in (await core.list()).data] == [stays.id]
    assert [each.id for each in (await core.list(limit=1)).data] == [stays.id]
    await world.clock.run_until(core.attend())
    assert len(world.blobs) == 1
    assert await world.faults() == []


async def test_expired_files_do_not_make_pages_shorter(world: World) -> None:
    core = world.core()
    for number in range(30):
        await core.create(b"x", new=named("a", seconds=3_600 if number % 3 else None))
    await world.clock.advance(3_600)
    page = await core.list(limit=8)
    assert (len(page.data), page.has_more) == (8, True)
    page = await core.list(limit=8, after=page.last_id)
    assert (len(page.data), page.has_more) == (2, False)


async def test_files_for_batches_expire_after_30_days(world: World) -> None:
    core = world.core()
    file = await core.create(b"x", new=named("a", 2))
    assert file.expires_at == file.created_at + 30 * DAY
    file = await core.create(b"x", new=named("a", 2, seconds=3_600))
    assert file.expires_at == file.created_at + 3_600
    assert not (await core.create(b"x")).HasField("expires_at")


async def test_an_idempotency_key(world: World) -> None:
    core = world.core()
    file = await core.create(b"x" * 3_000, key="once")
    assert await core.create(b"x" * 3_000, key="once") == file
    assert await world.core().create(b"x" * 3_000, key="once") == file
    assert len(world.blobs) == 1
    for data, new in ((b"y", NEW), (b"x" * 3_000, named("other"))):
        with pytest.raises(IdempotencyMismatch):
            await core.create(data, new=new, key="once")
    await core.delete(file.id)
    with pytest.raises(NotFound):
        await core.create(b"x" * 3_000, key="once")
    assert (await core.create(b"x" * 3_000, key="twice")).id != file.id
    assert await world.faults() == []


async def test_the_key_of_an_expired_file(world: World) -> None:
    core = world.core()
    new = named("a", seconds=3_600)
    await core.create(b"x", new=new, key="once")
    await world.clock.advance(3_600)
    with pytest.raises(NotFound):
        await core.create(b"x", new=new, key="once")
    await world.settle()
    with pytest.raises(NotFound):
        await core.create(b"x", new=new, key="once")
    assert await world.faults() == []
