// How fast the machine is, as far as cases can tell.

/** How long a small case takes with pages that are as they should be, in milliseconds. */
export async function measure(world) {
  const began = performance.now();
  try {
    const server = await world.server();
    const ann = await world.guest(server, "ann");
    const bob = await world.guest(server, "bob");
    await ann.say("hello");
    await bob.has(["hello"]);
    await bob.page.reload();
    await bob.is("Connected");
    world.check();
  } finally {
    await world.dispose();
  }
  return performance.now() - began;
}
