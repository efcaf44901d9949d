// The configurations that items start servers with.

import { createHmac } from "node:crypto";

const SECRET = "a secret of at least thirty-two bytes, for tests";

export const CONFIGS = {
  rooms: { toml: "" },
  limits: { toml: "" },
  tokens: { toml: "" },
  fast: { toml: "" },
  forgetful: { toml: "" },
};

/** A JSON Web Token as an application would issue it. */
export function token(claims) {
  const encoded = [{ alg: "HS256", typ: "JWT" }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
  const signed = encoded.join(".");
  return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
}
