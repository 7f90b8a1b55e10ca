// Starts the Authlib relying party, in the environment that `scripts/install browser` created.

import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { ClientCredentials } from "./openid_client";

const PYTHON = join(import.meta.dirname, "../../target/authlib/bin/python");

export class AuthlibParty {
  private constructor(
    readonly origin: string,
    private readonly process: ChildProcess,
  ) {}

  static async start(issuer: string, register: (origin: string) => Promise<ClientCredentials>): Promise<AuthlibParty> {
    const child = spawn(PYTHON, [join(import.meta.dirname, "authlib_party.py")], { stdio: ["pipe", "pipe", "inherit"] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const origin = (await lines.next()).value as string;
    const registered = await register(origin);
    child.stdin.write(`${JSON.stringify({ issuer, ...registered })}\n`);
    await lines.next();
    return new AuthlibParty(origin, child);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill("SIGTERM");
    await ended;
  }
}
