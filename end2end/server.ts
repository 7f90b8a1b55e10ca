// A test's own server on a free port, with one of the two storage settings, or two nodes of one site.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import type { Server as Balancer } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { balance } from "./balancer";

const TARGET = join(import.meta.dirname, "../target");

/** The most recent build: a release build from `make build`, or a debug build from `cargo leptos`. */
export const PROGRAM = process.env.LATCHKEY_PROGRAM ?? lastBuilt();

/** Whether it is a release build, which embeds the site's files. */
export const IS_RELEASE = PROGRAM.includes("/release/");

function lastBuilt(): string {
  const programs = ["release", "debug"].map((profile) => join(TARGET, profile, "latchkey")).filter(existsSync);
  if (programs.length === 0) throw new Error("no program is built: run `make build` or `cargo leptos build`");
  return programs.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
}

export type Storage = "embedded" | "postgres+redis" | "two nodes";

export class Server {
  private constructor(
    readonly origin: string,
    private readonly nodes: ChildProcess[],
    readonly folder: string,
    private readonly env: NodeJS.ProcessEnv,
    private readonly balancer?: Balancer,
  ) {}

  static async start(storage: Storage, settings: Record<string, string> = {}): Promise<Server> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), "latchkey-"));
    const origin = `http://${settings.HOST ?? "localhost"}:${port}`;
    const shared =
      storage === "embedded"
        ? {}
        : {
            DATABASE_URL: required("TEST_DATABASE_URL"),
            REDIS_URL: required("TEST_REDIS_URL"),
            // Servers on one database are nodes of one site.
            SECRET_KEY: "the key of all servers on this database",
          };
    // The program runs outside the folder in which it was built: a release build embeds all files that it needs.
    const program = join(folder, "latchkey");
    copyFileSync(PROGRAM, program);
    const env = {
      ...process.env,
      PUBLIC_URL: origin,
      LISTEN_ADDR: `127.0.0.1:${port}`,
      DATA_DIR: settings.DATA_DIR ?? folder,
      RUST_LOG: "error",
      RATE_LIMITS: "off",
      ...(IS_RELEASE ? {} : { LEPTOS_SITE_ROOT: join(TARGET, "site") }),
      ...shared,
      ...settings,
    };
    const ports = storage === "two nodes" ? [await freePort(), await freePort()] : [port];
    const nodes = ports.map((port) => {
      const own = { ...env, LISTEN_ADDR: `127.0.0.1:${port}` };
      return spawn(program, [], { cwd: folder, env: own, stdio: ["ignore", "inherit", "inherit"] });
    });
    await Promise.all(nodes.map((node, place) => waitUntilReady(`http://127.0.0.1:${ports[place]}/readyz`, node)));
    const balancer = storage === "two nodes" ? await balance(port, ports) : undefined;
    return new Server(origin, nodes, folder, env, balancer);
  }

  /** Runs an administrator command; returns its standard output. */
  async command(...words: string[]): Promise<string> {
    const program = join(this.folder, "latchkey");
    const { stdout } = await promisify(execFile)(program, words, { cwd: this.folder, env: this.env });
    return stdout.trim();
  }

  /** Waits until applications can sign users in: the first signing keys are created in the background. */
  async waitForSigningKeys(): Promise<void> {
    for (let attempt = 0; attempt < 300; attempt += 1) {
      if ((await fetch(`${this.origin}/.well-known/openid-configuration`)).ok) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error("no signing keys");
  }

  async stop(): Promise<void> {
    this.balancer?.close();
    this.balancer?.closeAllConnections();
    const ended = this.nodes.map((node) => new Promise((resolve) => node.once("exit", resolve)));
    for (const node of this.nodes) node.kill("SIGTERM");
    await Promise.all(ended);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run this with "make browser"`);
  return value;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

async function waitUntilReady(url: string, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 150; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`the server exited with ${child.exitCode}`);
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${url} does not respond`);
}
