// Real-world browsers and password managers: without the JSON methods of WebAuthn, or with some that throw.

import type { Page } from "@playwright/test";
import { Authenticator, waitForHydration, expect, freshName, signOut, signUp, test, disableSuggestions } from "../fixtures";

/** Breaks or removes browser features before the page's program runs. */
const BROWSERS: Record<string, () => void> = {
  "a browser without the JSON methods (Safari 16 to 18.3)": () => {
    for (const name of ["parseCreationOptionsFromJSON", "parseRequestOptionsFromJSON", "getClientCapabilities", "signalUnknownCredential"]) {
      Reflect.deleteProperty(PublicKeyCredential, name);
    }
    Reflect.deleteProperty(PublicKeyCredential.prototype, "toJSON");
  },
  "a password manager whose toJSON throws": () => {
    PublicKeyCredential.prototype.toJSON = () => {
      throw new TypeError("Illegal invocation");
    };
  },
  "a password manager with plain objects and byte arrays": () => {
    const bytes = (value: unknown) => (value instanceof ArrayBuffer ? new Uint8Array(value) : value);
    const plain = (credential: PublicKeyCredential | null) => {
      if (!credential) return credential;
      const response: Record<string, unknown> = {};
      for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
        response[name] = bytes(Reflect.get(credential.response, name));
      }
      const copy = { id: credential.id, rawId: bytes(credential.rawId), type: credential.type, response };
      return { ...copy, getClientExtensionResults: () => ({ circle: globalThis }) } as unknown as PublicKeyCredential;
    };
    for (const method of ["create", "get"] as const) {
      const original = navigator.credentials[method].bind(navigator.credentials) as (options?: object) => Promise<Credential | null>;
      navigator.credentials[method] = async (options?: object) => plain((await original(options)) as PublicKeyCredential | null);
    }
  },
};

for (const [name, breakIt] of Object.entries(BROWSERS)) {
  test(`${name} signs up and signs in`, async ({ page }) => {
    const authenticator = await Authenticator.attach(page);
    await page.addInitScript(breakIt);
    await disableSuggestions(page);
    const username = freshName();
    await signUp(page, username);
    expect(await authenticator.passkeys()).toBe(1);
    await signOut(page);
    await page.goto("/sign-in");
    await waitForHydration(page);
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await expect(page).toHaveURL(/\/account$/);
  });
}

async function submitSignUp(page: Page, username: string): Promise<void> {
  await page.goto("/sign-up");
  await waitForHydration(page);
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Email").fill(`${username}@example.org`);
  await page.getByRole("button", { name: "Create account with a passkey" }).click();
}

test("an unreadable response is reported, and its passkey is signalled as unknown", async ({ page }) => {
  await Authenticator.attach(page);
  await page.addInitScript(() => {
    const original = navigator.credentials.create.bind(navigator.credentials);
    navigator.credentials.create = async (options) => {
      const credential = (await original(options)) as PublicKeyCredential;
      return { id: credential.id, type: "public-key" } as unknown as PublicKeyCredential;
    };
    const signals: unknown[] = [];
    Reflect.set(globalThis, "signals", signals);
    Reflect.set(PublicKeyCredential, "signalUnknownCredential", async (options: unknown) => void signals.push(options));
  });
  await submitSignUp(page, freshName());
  await expect(page.getByRole("alert")).toContainText("sent an invalid response");
  const signals = await page.evaluate(() => Reflect.get(globalThis, "signals") as { rpId: string; credentialId: string }[]);
  expect(signals).toHaveLength(1);
  expect(signals[0].rpId).toBe("localhost");
  expect(signals[0].credentialId).toMatch(/^[\w-]{16,}$/);
});

test("a password manager that returns nothing is reported", async ({ page }) => {
  await page.addInitScript(() => {
    navigator.credentials.create = async () => null;
  });
  await submitSignUp(page, freshName());
  await expect(page.getByRole("alert")).toContainText("sent an invalid response");
});
