// Joining, leaving, listing, opening and closing rooms.

import { CONFIGS } from "../configs.mjs";
import { assert, eventually } from "../lib/wait.mjs";
import { spoken } from "./scene.mjs";
import { change, otherCode, twice } from "./spoils.mjs";

const name = (what) => `${what}-${Math.random().toString(36).slice(2, 8)}`;

export const rooms = [
  spoken("D-join", "join: joined with id and name, repeated for a repeated join", async ({ at }) => {
    const ann = await at("ann");
    assert.deepEqual(await ann.join("general"), { roomId: "general", roomName: "General Chat" });
    assert.deepEqual(await ann.join("general"), { roomId: "general", roomName: "General Chat" });
    assert.equal(ann.all("dialogue:joined").length, 2);
  }, { spoil: change("joined", (it) => ({ ...it, roomName: "other" })) }),

  spoken("D-join-errors", "join: ROOM_NOT_FOUND, JOIN_DENIED, ROOM_FULL", async ({ at }) => {
    const [ann, bob] = [await at("ann"), await at("bob")];
    await ann.refused("dialogue:join", { roomId: "nowhere" }, "ROOM_NOT_FOUND");
    await ann.refused("dialogue:join", { roomId: "staff" }, "JOIN_DENIED");
    await ann.join("small");
    await bob.refused("dialogue:join", { roomId: "small" }, "ROOM_FULL");
    await ann.join("small");
    await ann.ask("dialogue:leave", { roomId: "small" }, "dialogue:left");
    await bob.join("small");
  }, { spoil: otherCode, config: CONFIGS.dialogue }),

  spoken("D-malformed", "malformed payloads are passed over, or INVALID_REQUEST where there is such an error", async ({ at }) => {
    const ann = await at("ann");
    for (const event of ["join", "leave", "subscribe", "subscribeAll", "unsubscribe", "trigger", "deleteRoom"]) {
      for (const argument of [undefined, null, 7, "general", {}, { roomId: 7 }, []]) ann.emit(`dialogue:${event}`, argument);
      ann.emit(`dialogue:${event}`);
    }
    ann.emit("dialogue:trigger", { roomId: "general", event: 7 });
    ann.emit("dialogue:nonsense", {});
    ann.emit("nonsense");
    await ann.fence();
    assert.deepEqual(ann.got.map((it) => it.name), ["dialogue:connected", "dialogue:rooms"]);
    await ann.refused("dialogue:createRoom", { id: 7, name: "x" }, "INVALID_REQUEST");
    await ann.refused("dialogue:createRoom", { id: "x" }, "INVALID_REQUEST");
    await ann.refused("dialogue:getHistory", {}, "INVALID_REQUEST");
    assert.equal(ann.socket.connected, true);
  }, { spoil: otherCode }),

  spoken("D-leave", "leave: left for a member, nothing for others", async ({ at }) => {
    const ann = await at("ann");
    await ann.join("general");
    assert.deepEqual(await ann.ask("dialogue:leave", { roomId: "general" }, "dialogue:left"), { roomId: "general" });
    ann.emit("dialogue:leave", { roomId: "general" });
    ann.emit("dialogue:leave", { roomId: "nowhere" });
    await ann.fence();
    assert.equal(ann.all("dialogue:left").length, 1);
    assert.deepEqual(ann.all("dialogue:error"), []);
  }, { spoil: twice("left") }),

  spoken("D-rooms", "listRooms has no argument; rooms in order, with size and maxSize", async ({ at }) => {
    const [ann, bob] = [await at("ann"), await at("bob")];
    await bob.join("general");
    await bob.join("small");
    const rooms = await ann.ask("dialogue:listRooms", undefined, "dialogue:rooms");
    assert.deepEqual(rooms.map(({ id }) => id), ["general", "small", "quiet", "staff", "any"]);
    assert.deepEqual(rooms[0], { id: "general", name: "General Chat", description: "For everyone", size: 1 });
    assert.deepEqual(rooms[1], { id: "small", name: "small", size: 1, maxSize: 1 });
  }, { spoil: change("rooms", (all) => all.toReversed()), config: CONFIGS.dialogue }),

  spoken("D-create", "createRoom: roomCreated to all, the requester included; ROOM_EXISTS", async ({ at }) => {
    const [ann, bob] = [await at("ann"), await at("bob")];
    const id = name("tech");
    const created = await ann.ask("dialogue:createRoom", { id, name: "Tech", description: "About it", maxSize: 2 }, "dialogue:roomCreated", (it) => it.id === id);
    assert.deepEqual(created, { id, name: "Tech", description: "About it", maxSize: 2, createdById: "ann" });
    const isIt = (it) => it.id === id;
    await eventually("bob hears", () => bob.all("dialogue:roomCreated", isIt).length === 1);
    assert.deepEqual(bob.all("dialogue:roomCreated", isIt)[0], created);
    await bob.refused("dialogue:createRoom", { id, name: "Again" }, "ROOM_EXISTS");
    assert.deepEqual(await bob.join(id), { roomId: id, roomName: "Tech" });
    assert.equal(ann.all("dialogue:roomCreated", isIt).length, 1, "once");
    const listed = (await bob.ask("dialogue:listRooms", undefined, "dialogue:rooms")).find((it) => it.id === id);
    assert.deepEqual(listed, { id, name: "Tech", description: "About it", size: 1, maxSize: 2 });
  }, { spoil: twice("roomCreated") }),

  spoken("D-delete", "deleteRoom: PERMISSION_DENIED, ROOM_NOT_FOUND, roomDeleted to all once", async ({ at }) => {
    const [ann, bob, carl] = [await at("ann"), await at("bob"), await at("carl")];
    const id = name("gone");
    await ann.ask("dialogue:createRoom", { id, name: "Gone" }, "dialogue:roomCreated", (it) => it.id === id);
    await bob.join(id);
    await bob.refused("dialogue:deleteRoom", { roomId: id }, "PERMISSION_DENIED");
    await bob.refused("dialogue:deleteRoom", { roomId: "general" }, "PERMISSION_DENIED");
    await ann.refused("dialogue:deleteRoom", { roomId: "nowhere" }, "ROOM_NOT_FOUND");
    const isIt = (it) => it.roomId === id;
    assert.deepEqual(await ann.ask("dialogue:deleteRoom", { roomId: id }, "dialogue:roomDeleted", isIt), { roomId: id });
    for (const client of [ann, bob, carl]) {
      await eventually("roomDeleted", () => client.all("dialogue:roomDeleted", isIt).length > 0);
      await client.fence();
      assert.equal(client.all("dialogue:roomDeleted", isIt).length, 1, "once, the requester and members included");
    }
    await bob.refused("dialogue:join", { roomId: id }, "ROOM_NOT_FOUND");
  }, { spoil: twice("roomDeleted") }),
];
