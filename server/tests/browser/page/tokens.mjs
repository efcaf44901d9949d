// Tokens that a server takes which has this secret.

import { createHmac } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SECRET = "a secret of thirty-two bytes, at the least";

/** The file of the secret. */
export function file() {
  const path = join(mkdtempSync(join(tmpdir(), "parlor-browser-")), "secret");
  writeFileSync(path, SECRET);
  return path;
}

export function tokenOf(user, seconds = 600) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: user, exp: Math.floor(Date.now() / 1000) + seconds })}`;
  return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
}
