// What every browser test has: a server, a page that must not complain, and a virtual authenticator.

import { type CDPSession, type Page, test as base, expect } from "@playwright/test";
import { Server, type Storage } from "./server";

export { expect };

/** A virtual authenticator of Chromium's, spoken to over the DevTools protocol. */
export class Authenticator {
  private constructor(
    private readonly session: CDPSession,
    readonly id: string,
  ) {}

  static async attach(page: Page, options: Record<string, unknown> = {}): Promise<Authenticator> {
    const session = await page.context().newCDPSession(page);
    await session.send("WebAuthn.enable", { enableUI: false });
    const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
        ...options,
      },
    });
    return new Authenticator(session, authenticatorId);
  }

  async passkeys(): Promise<number> {
    const { credentials } = await this.session.send("WebAuthn.getCredentials", { authenticatorId: this.id });
    return credentials.length;
  }

  /** Whether the person answers the dialog; while not, requests stay open. */
  async answers(enabled: boolean): Promise<void> {
    await this.session.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId: this.id, enabled });
  }

  /** Whether the person can confirm with finger, face or screen lock; if not, requests fail as a cancelled dialog. */
  async verifies(isUserVerified: boolean): Promise<void> {
    await this.session.send("WebAuthn.setUserVerified", { authenticatorId: this.id, isUserVerified });
  }
}

type Fixtures = { storage: Storage; server: Server; complaints: string[]; expectRefusal: (status: number) => void };

export const test = base.extend<Fixtures>({
  storage: ["embedded", { option: true }],
  server: async ({ storage }, use) => {
    const server = await Server.start(storage);
    await use(server);
    await server.stop();
  },
  baseURL: async ({ server }, use) => use(server.origin),
  // Console errors, hydration warnings and CSP reports fail a test; a refusal that it expects is announced by its status.
  complaints: [
    async ({ context }, use) => {
      const complaints: string[] = [];
      await context.addInitScript(() => {
        document.addEventListener("securitypolicyviolation", (event) => console.error(`CSP: ${event.violatedDirective}`));
      });
      context.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) complaints.push(message.text());
      });
      context.on("weberror", (error) => complaints.push(String(error.error())));
      await use(complaints);
      expect(complaints, "the browser complained").toEqual([]);
    },
    { auto: true },
  ],
  expectRefusal: async ({ complaints }, use) => {
    const expected: number[] = [];
    await use((status) => expected.push(status));
    for (const status of expected) {
      const index = complaints.findIndex((text) => text.includes(`status of ${status}`));
      expect(index, `a refusal with ${status}`).toBeGreaterThanOrEqual(0);
      complaints.splice(index, 1);
    }
  },
});

/** Waits until the page's islands are awake. */
export async function awake(page: Page): Promise<void> {
  await page.waitForLoadState("networkidle");
}

export async function signUp(page: Page, username: string): Promise<void> {
  await page.goto("/sign-up");
  await awake(page);
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("E-mail").fill(`${username}@example.org`);
  await page.getByRole("button", { name: "Create your passkey" }).click();
  await expect(page).toHaveURL(/\/account$/);
}

export async function signOut(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("link", { name: "Sign in" }).first()).toBeVisible();
}

let counter = 0;

/** A name that no other test uses, also where tests share a database. */
export function freshName(): string {
  counter += 1;
  return `p${process.pid.toString(36)}${Date.now().toString(36)}${counter}`;
}
