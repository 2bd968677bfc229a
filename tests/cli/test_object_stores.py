from __future__ import annotations

from pathlib import Path

from understudy_cli.object_stores import export_keys


def test_keys_of_object_stores_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "AWS_REGION=here\nAWS_ACCESS_KEY_ID=from-file\nAZURE_CLIENT_ID=b\nGOOGLE_BUCKET=c\nOTHER=d\n"
    )
    environment = {"AWS_ACCESS_KEY_ID": "set", "PATH": "/bin"}
    export_keys(environment, tmp_path)
    assert environment == {
        "AWS_ACCESS_KEY_ID": "set",
        "AWS_REGION": "here",
        "AZURE_CLIENT_ID": "b",
        "GOOGLE_BUCKET": "c",
        "PATH": "/bin",
    }


def test_without_a_file_nothing_changes(tmp_path: Path) -> None:
    environment = {"AWS_REGION": "here"}
    export_keys(environment, tmp_path)
    assert environment == {"AWS_REGION": "here"}
