// Temporary PostgreSQL and Redis servers for a run without them, such as `npx playwright test` in this folder.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

const NAMES = ["TEST_DATABASE_URL", "TEST_REDIS_URL"];

/** Starts the missing servers; the returned function stops them. */
export default async function start(): Promise<(() => Promise<void>) | void> {
  if (NAMES.every((name) => process.env[name])) return;
  const script = join(import.meta.dirname, "../scripts/with-backends");
  // `cat` runs until its input is closed, and so do the servers.
  const values = NAMES.map((name) => `"$${name}"`).join(" ");
  const servers = spawn(script, ["bash", "-c", `printf '%s\\n' ${values}; exec cat`], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface(servers.stdout)[Symbol.asyncIterator]();
  for (const name of NAMES) {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${script} ended without ${name}`);
    process.env[name] = value;
  }
  return async () => {
    const ended = once(servers, "exit");
    servers.stdin.end();
    await ended;
  };
}
