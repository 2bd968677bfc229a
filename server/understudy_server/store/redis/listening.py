"""Subscribing to what all cores announce."""

from __future__ import annotations

from typing import Any

from redis.asyncio import RedisCluster
from redis.asyncio.client import PubSub

from understudy_server.store.redis.connecting import TIMEOUT, Client


class ChannelListener:
    """One connection, subscribed to one channel. On a Cluster every node passes every message on."""

    def __init__(self, client: Client, channel: str) -> None:
        self._client = client
        self._channel = channel
        self._subscription: PubSub | None = None

    async def open(self) -> None:
        """Return when the server has confirmed. Raises ``RedisError`` or ``OSError``."""
        if isinstance(self._client, RedisCluster):
            await self._client.initialize()
        subscription = self._client.pubsub()
        try:
            await subscription.subscribe(self._channel)
            while (await self._next(subscription))["type"] != "subscribe":
                pass
        except BaseException:
            await _end(subscription)
            raise
        self._subscription = subscription

    async def receive(self) -> bytes:
        """The next message; raises ``RedisError`` or ``OSError`` when the connection is lost."""
        assert self._subscription is not None
        while True:
            message = await self._next(self._subscription)
            if message["type"] == "message":
                data: bytes = message["data"]
                return data

    async def close(self) -> None:
        if self._subscription is not None:
            subscription, self._subscription = self._subscription, None
            await _end(subscription)

    async def _next(self, subscription: PubSub) -> dict[str, Any]:
        message = await subscription.get_message(timeout=TIMEOUT)
        if message is None:
            # Silence may be a dead connection, so something is asked that has an answer.
            await subscription.ping()
            message = await subscription.get_message(timeout=TIMEOUT)
        if message is None:
            raise TimeoutError("no answer to a ping")
        return dict(message)


async def _end(subscription: PubSub) -> None:
    # The package leaves this one method without types.
    await subscription.aclose()  # type: ignore[no-untyped-call]
