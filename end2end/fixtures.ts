// Fixtures for every browser test: a server, a page without console errors, and a virtual authenticator.

import { type APIResponse, type CDPSession, type Locator, type Page, test as base, expect } from "@playwright/test";
import { Server, type Storage } from "./server";

export { expect };

/** Chromium's virtual authenticator, controlled over the DevTools protocol. */
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

  /** The users of its passkeys, as the device shows them: username and name. */
  async names(): Promise<(string | undefined)[][]> {
    const { credentials } = await this.session.send("WebAuthn.getCredentials", { authenticatorId: this.id });
    return credentials.map(({ userName, userDisplayName }) => [userName, userDisplayName]);
  }

  /** Whether the user responds to the dialog; if not, requests stay pending. */
  async setUserPresent(enabled: boolean): Promise<void> {
    await this.session.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId: this.id, enabled });
  }

  /** Whether the user can confirm with finger, face or screen lock; if not, requests fail like a cancelled dialog. */
  async setUserVerified(isUserVerified: boolean): Promise<void> {
    await this.session.send("WebAuthn.setUserVerified", { authenticatorId: this.id, isUserVerified });
  }
}

type Fixtures = { storage: Storage; settings: Record<string, string>; server: Server; browserErrors: string[]; expectRefusal: (status: number) => void };

export const test = base.extend<Fixtures>({
  storage: ["embedded", { option: true }],
  settings: [{}, { option: true }],
  server: async ({ storage, settings }, use) => {
    const server = await Server.start(storage, settings);
    await use(server);
    await server.stop();
  },
  baseURL: async ({ server }, use) => use(server.origin),
  // Console errors, hydration warnings and CSP reports fail a test; a test declares an expected refusal by its status.
  browserErrors: [
    async ({ context }, use) => {
      const browserErrors: string[] = [];
      await context.addInitScript(() => {
        document.addEventListener("securitypolicyviolation", (event) => console.error(`CSP: ${event.violatedDirective}`));
      });
      context.on("console", (message) => {
        // The email frame blocks Playwright's own script, like every script.
        const isPlaywright = message.text().startsWith("Blocked script execution") && message.text().includes("/dev/mailbox/html");
        if (["error", "warning"].includes(message.type()) && !isPlaywright) browserErrors.push(message.text());
      });
      context.on("weberror", (error) => {
        const text = String(error.error());
        // Chromium reports this if a page is left before its transition begins, which tests do and users hardly can.
        if (!text.startsWith("InvalidStateError: Transition was aborted")) browserErrors.push(text);
      });
      await use(browserErrors);
      expect(browserErrors, "errors in the browser").toEqual([]);
    },
    { auto: true },
  ],
  expectRefusal: async ({ browserErrors }, use) => {
    const expected: number[] = [];
    await use((status) => expected.push(status));
    for (const status of expected) {
      const index = browserErrors.findIndex((text) => text.includes(`status of ${status}`));
      expect(index, `a refusal with ${status}`).toBeGreaterThanOrEqual(0);
      browserErrors.splice(index, 1);
    }
  },
});

/** Disables passkey suggestions in form fields, so that only the button signs in. */
export async function disableSuggestions(page: Page): Promise<void> {
  await page.addInitScript(() => {
    PublicKeyCredential.isConditionalMediationAvailable = async () => false;
  });
}

/** Waits until the page's islands are hydrated. */
export async function waitForHydration(page: Page): Promise<void> {
  await page.waitForLoadState("networkidle");
}

export async function signUp(page: Page, username: string): Promise<void> {
  await page.goto("/sign-up");
  await waitForHydration(page);
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Email").fill(`${username}@example.org`);
  await page.getByRole("button", { name: "Create account with a passkey" }).click();
  await expect(page).toHaveURL(/\/account\?step=ready$/);
}

export async function signOut(page: Page): Promise<void> {
  await page.getByRole("navigation", { name: "Main" }).getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("link", { name: "Sign in" }).first()).toBeVisible();
}

/** Signs in with the button on the sign-in page. */
export async function signInWithPasskey(page: Page): Promise<void> {
  await page.goto("/sign-in");
  await waitForHydration(page);
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
}

/** Forgets the remembered user, so that the sign-in page shows its field. */
export async function forget(page: Page): Promise<void> {
  await page.goto("/sign-in");
  await page.getByRole("button", { name: "Use another account" }).click();
  await expect(page.getByLabel("Username or email")).toBeVisible();
}

type Email = { to: string; subject: string; text: string; html: string; sent_at: string };

/** An email's link on the server that shows it: servers on one database send each other's emails, with their URL. */
function onServerOf(mailbox: APIResponse, link: string): string {
  const { pathname, search } = new URL(link);
  return new URL(pathname + search, mailbox.url()).href;
}

/** The newest email with a code to an address, once there are `count` of them. */
export async function emailTo(page: Page, address: string, count = 1): Promise<{ link: string; code: string; subject: string; text: string }> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const mailbox = await page.request.get("/dev/mailbox.json");
    const emails = (await mailbox.json()) as Email[];
    const theirs = emails.filter(({ to, text }) => to === address && /^\d{6}$/m.test(text));
    if (theirs.length >= count) {
      const { text, subject } = theirs[0];
      const link = /^https?:\/\/\S+token=\S+$/m.exec(text)?.[0];
      const code = /^\d{6}$/m.exec(text)?.[0];
      if (!link || !code) throw new Error(`an email without link or code: ${text}`);
      return { link: onServerOf(mailbox, link), code, subject, text };
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`no email to ${address}`);
}

/** The link to `path` in the newest email to an address with this subject and such a link. */
export async function linkInEmail(page: Page, address: string, subject: string, path: string): Promise<string> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const mailbox = await page.request.get("/dev/mailbox.json");
    const emails = (await mailbox.json()) as Email[];
    const links = emails
      .filter((email) => email.to === address && email.subject === subject)
      .map(({ text }) => text.split("\n").find((line) => line.includes(`${path}?token=`)));
    const link = links.find((line) => line !== undefined);
    if (link) return onServerOf(mailbox, link);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`no email to ${address}: ${subject}`);
}

/** Signs up and confirms the address with the link in the email. */
export async function signUpConfirmed(page: Page, username: string): Promise<void> {
  await signUp(page, username);
  const { link } = await emailTo(page, `${username}@example.org`);
  await page.goto(link);
  await page.getByRole("button", { name: "Confirm" }).click();
  await expect(page.getByText("Your email address is confirmed.")).toBeVisible();
}

/** Signs up with the link of an email; works with scripts off. */
export async function signUpByEmail(page: Page, username: string): Promise<void> {
  await page.goto("/sign-up");
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Email").fill(`${username}@example.org`);
  await page.getByRole("button", { name: "Sign up by email instead" }).click();
  const { link } = await emailTo(page, `${username}@example.org`);
  await page.goto(link);
  await page.locator("main button[type=submit]").first().click();
}

/** Requests an email on the sign-in page. */
export async function requestSignInEmail(page: Page, username: string): Promise<void> {
  await page.goto("/sign-in");
  await waitForHydration(page);
  if (await page.getByRole("button", { name: "Use another account" }).isVisible()) await forget(page);
  await page.getByLabel("Username or email").fill(username);
  await page.getByRole("button", { name: "Email me a sign-in link" }).click();
  await expect(page.getByRole("heading", { name: "Check your email" })).toBeVisible();
}

/** The addresses of the account's sections, from their menu. */
export async function sections(page: Page): Promise<string[]> {
  await page.goto("/account");
  const links = page.getByRole("navigation", { name: "Account" }).getByRole("link");
  const addresses = await links.evaluateAll((all) => all.map((link) => link.getAttribute("href") ?? ""));
  expect(addresses).toContain("/account/devices");
  return addresses;
}

/** Calls a server function as the page itself would. */
export async function call(page: Page, path: string, body: unknown = {}): Promise<{ status: number; json: any }> {
  const origin = new URL(page.url()).origin;
  const answer = await page.request.post(path, { data: body, headers: { origin } });
  return { status: answer.status(), json: await answer.json() };
}

let counter = 0;

/** A name that no other test uses, even if tests share a database. */
export function freshName(): string {
  counter += 1;
  return `p${process.pid.toString(36)}${Date.now().toString(36)}${counter}`;
}

/** The items of the passkey list. */
export function passkeysOf(page: Page): Locator {
  return page.getByRole("region", { name: "Passkeys" }).getByRole("listitem");
}

/** Opens the passkeys section and expects `count` passkeys. */
export async function expectPasskeys(page: Page, count: number): Promise<void> {
  await page.goto("/account/passkeys");
  await expect(passkeysOf(page)).toHaveCount(count);
}

/** Creates a passkey with the page's button. */
export async function createPasskey(page: Page, button = "Create a passkey"): Promise<void> {
  await waitForHydration(page);
  await page.getByRole("button", { name: button }).click();
  await expect(page.getByRole("heading", { name: "Your passkey is ready" })).toBeVisible();
}

/** Removes a passkey and confirms the removal. */
export async function removePasskey(row: Locator): Promise<void> {
  await row.getByText("Remove", { exact: true }).click();
  await row.getByRole("button", { name: "Remove passkey" }).click();
}
