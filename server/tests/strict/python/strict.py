"""What PyPI's phoenix-channels-python-client finds at a server: one line `result …` per item.

It takes frames of five elements. Any other ends its connection, and so does a binary frame, at any
server. It drops messages without a join_ref, and so all broadcasts: what is tried is that they do
not harm it.

    python strict.py ws://127.0.0.1:4000/socket/websocket
"""

import asyncio
import json
import logging
import sys
from urllib.parse import urlencode

import websockets
from phoenix_channels_python_client import PHXChannelsClient

PATIENCE_S = 20
TOPIC = "room:strict-python"


def client(url, user, lost, **params):
    async def on_disconnect(error):
        lost.append(repr(error))

    query = urlencode({"user_id": user, **params})
    return PHXChannelsClient(f"{url}?{query}", api_key="none", on_disconnect=on_disconnect)


async def talk(url, count):
    """Says something in the topic, over a socket as plain as can be."""
    query = urlencode({"vsn": "2.0.0", "user_id": "talker"})
    async with websockets.connect(f"{url}?{query}") as socket:
        async def answered(frame):
            await socket.send(json.dumps(frame))
            while True:
                _, ref, _, event, payload = json.loads(await socket.recv())
                if event == "phx_reply" and ref == frame[1]:
                    assert payload["status"] == "ok", payload
                    return

        await answered(["1", "1", TOPIC, "phx_join", {}])
        for number in range(count):
            await answered(["1", str(number + 2), TOPIC, "m", {"n": number}])


async def outlives_broadcasts(url, **params):
    """Joins, gets its presence state, lives while others talk, and leaves."""
    lost, heard = [], []
    present = asyncio.Event()

    async def handle(message):
        heard.append(str(message.event))
        if str(message.event) == "presence_state":
            present.set()

    async with client(url, "ann", lost, **params) as ann:
        await ann.subscribe_to_topic(TOPIC, handle)
        await asyncio.wait_for(present.wait(), PATIENCE_S)
        await talk(url, 20)
        # Whatever came before has been read when the next join is answered.
        await ann.subscribe_to_topic(f"{TOPIC}-fence", handle)
        if lost:
            return f"the connection was lost: {lost}"
        await ann.unsubscribe_from_topic(TOPIC)
    return None


async def is_strict(url):
    """The proof that it can fail: with positions, its connection is lost at the first broadcast."""
    try:
        outcome = await asyncio.wait_for(outlives_broadcasts(url, positions="on"), PATIENCE_S)
    except Exception:  # noqa: BLE001  # however it fails, it does
        return None
    return None if outcome is not None else "it lives with six elements, so this run shows nothing"


async def main(url):
    for item, outcome in (("broadcasts", outlives_broadcasts), ("strict", is_strict)):
        try:
            flaw = await asyncio.wait_for(outcome(url), 3 * PATIENCE_S)
        except Exception as error:  # noqa: BLE001  # it is reported
            flaw = repr(error)
        print(f"failed: python {item}: {flaw}" if flaw else f"result python {item} ok", flush=True)


logging.disable(logging.CRITICAL)
asyncio.run(main(sys.argv[1]))
