// All cases: `cases` by title, and for each what to spoil so that it fails, `{file, from, to}`.

import * as looking from "./inspect/looking.mjs";
import * as inside from "./inspect/looks.mjs";
import * as coming from "./page/coming.mjs";
import * as focus from "./page/focus.mjs";
import * as history from "./page/history.mjs";
import * as holding from "./page/holding.mjs";
import * as keeping from "./page/keeping.mjs";
import * as line from "./page/line.mjs";
import * as listening from "./page/listening.mjs";
import * as looks from "./page/looks.mjs";
import * as staying from "./page/staying.mjs";
import * as talk from "./page/talk.mjs";
import * as writing from "./page/writing.mjs";

export const suites = [
  { suite: "talk", ...talk },
  { suite: "line", ...line },
  { suite: "staying", ...staying },
  { suite: "keeping", ...keeping },
  { suite: "writing", ...writing },
  { suite: "coming", ...coming },
  { suite: "focus", ...focus },
  { suite: "history", ...history },
  { suite: "listening", ...listening },
  { suite: "holding", ...holding },
  { suite: "looks", ...looks },
  { suite: "looking", ...looking },
  { suite: "inside", ...inside },
];
