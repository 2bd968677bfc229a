"""An S3-compatible server for tests, in a process of its own on 127.0.0.1.

with s3_server() as server:
    server.environment   # what says where it is
    server.make_bucket() # its name

python -m tests.blobs.s3   prints its port and serves until its input ends
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any

_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_ALLOW_HTTP": "true",
}


class S3Server:
    def __init__(self, url: str) -> None:
        self.url = url
        self._numbers = count()

    @property
    def environment(self) -> Mapping[str, str]:
        return {**_ENVIRONMENT, "AWS_ENDPOINT_URL": self.url}

    def make_bucket(self) -> str:
        name = f"bucket-{os.getpid()}-{next(self._numbers)}"
        self._client().create_bucket(Bucket=name)
        return name

    def remains(self, bucket: str) -> list[str]:
        """Keys of objects, and of uploads that nobody ended."""
        client = self._client()
        found = client.list_objects_v2(Bucket=bucket).get("Contents", [])
        begun = client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
        return [each["Key"] for each in (*found, *begun)]

    def _client(self) -> Any:
        import boto3  # type: ignore[import-untyped]  # it has none

        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


@contextmanager
def s3_server() -> Iterator[S3Server]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.blobs.s3"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port, "the S3 server did not start"
        yield S3Server(f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.communicate()


def main() -> None:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
