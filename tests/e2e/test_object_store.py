"""Files in an object store: two cores behind one edge serve them, with the official SDK."""

from __future__ import annotations

import hashlib
from pathlib import Path
from random import Random

import openai
import pytest

from tests.blobs.s3 import s3_server
from tests.servers import UPSTREAM_KEY, deployed
from tests.upstream.threaded import ThreadedUpstream


@pytest.mark.timeout(600)
def test_two_cores_and_one_bucket(tmp_path: Path) -> None:
    with ThreadedUpstream(api_key=UPSTREAM_KEY) as upstream, s3_server() as server:
        bucket = server.make_bucket()
        settings = {"UNDERSTUDY_FILES": f"s3://{bucket}/files", **server.environment}
        store = f"sqlite:///{tmp_path}/store.db?shared=true"
        with deployed(
            "cores+edge", tmp_path, upstream, store=store, settings=settings
        ) as deployment:
            client = openai.OpenAI(base_url=deployment.url, api_key=deployment.key)
            content = Random(1).randbytes(700_000)
            # Whichever core makes one, each of them gives it back.
            made = [
                client.files.create(file=("a.bin", content), purpose="user_data") for _ in range(3)
            ]
            for file in made * 2:
                assert client.files.content(file.id).content == content
            upload = client.uploads.upload_file_chunked(
                file=content,
                filename="b.bin",
                bytes=len(content),
                mime_type="application/octet-stream",
                purpose="user_data",
                part_size=200_000,
                md5=hashlib.md5(content).hexdigest(),
            )
            assert upload.file is not None
            assert client.files.content(upload.file.id).content == content
            assert len(server.remains(bucket)) == 3 + 4
            for id in [upload.file.id, *(file.id for file in made)]:
                client.files.delete(id)
            assert server.remains(bucket) == []
