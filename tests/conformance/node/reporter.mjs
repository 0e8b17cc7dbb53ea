// One line of JSON for every test that ended.

import { basename } from "node:path";

export default async function* lines(source) {
  for await (const { type, data } of source) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    const error = data.details?.error?.cause ?? data.details?.error;
    const outcome = data.skip !== undefined || data.todo !== undefined ? "skipped" : type.slice("test:".length);
    const file = basename(data.file ?? "");
    yield JSON.stringify({ file, name: data.name, outcome, message: error?.stack ?? String(error ?? "") }) + "\n";
  }
}
