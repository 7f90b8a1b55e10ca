// Sign-in to applications with third-party libraries (openid-client, Authlib), on both storage settings and two nodes.

import type { Page } from "@playwright/test";
import { Authenticator, waitForHydration, emailTo, expect, freshName, signOut, signUp, test } from "../fixtures";
import { AuthlibParty } from "../parties/authlib";
import { type AuthorizationParameters, type ClientCredentials, RelyingParty } from "../parties/openid_client";
import type { Server } from "../server";

/** Registers an application with the command, as an administrator does. */
function registering(server: Server, ...options: string[]) {
  return async (origin: string): Promise<ClientCredentials> => {
    await server.waitForSigningKeys();
    const id = `app-${Math.random().toString(36).slice(2, 10)}`;
    const uris = ["--redirect-uri", `${origin}/callback`, "--post-logout-redirect-uri", `${origin}/bye`];
    const logout = ["--backchannel-logout-uri", `${origin}/backchannel`];
    const method = options.includes("--method") ? [] : ["--method", "any"];
    const who = ["--who", "everybody", ...method, "--name", "Photos"];
    return JSON.parse(await server.command("apps", "add", id, ...uris, ...logout, ...who, ...options, "--json"));
  };
}

async function withParty(server: Server, options: string[], use: (party: RelyingParty) => Promise<void>): Promise<void> {
  const party = await RelyingParty.start(server.origin, registering(server, ...options));
  await use(party);
  await party.stop();
}

/** The result that the application shows at the end. */
async function shown(page: Page, party: { origin: string }) {
  await expect(page).toHaveURL(new RegExp(`^${party.origin}/`));
  return JSON.parse((await page.locator("pre").textContent()) ?? "");
}

for (const storage of ["embedded", "postgres+redis", "two nodes"] as const) {
  test.describe(storage, () => {
    test.use({ storage });

    test("openid-client: sign-in with a passkey, silent sign-in, and sign-out", async ({ page, server }) => {
      await withParty(server, [], async (party) => {
        await Authenticator.attach(page);
        const username = freshName();
        await signUp(page, username);
        await signOut(page);
        await page.goto(party.login());
        await expect(page.getByRole("heading", { name: "Sign in to Photos" })).toBeVisible();
        await waitForHydration(page);
        await page.getByRole("button", { name: "Sign in with a passkey" }).click();
        await expect(page.getByRole("heading", { name: `Signed in as ${username}` })).toBeVisible();
        const first = await shown(page, party);
        expect([first.claims.acr, first.claims.amr]).toEqual(["phr", ["pop", "user", "mfa"]]);

        await page.goto(party.login({ prompt: "none" }));
        const second = await shown(page, party);
        expect([second.claims.sub, second.claims.auth_time]).toEqual([first.claims.sub, first.claims.auth_time]);

        await page.goto(`${party.origin}/logout`);
        await expect(page.getByRole("heading", { name: "Bye" })).toBeVisible();
        expect(await shown(page, party)).toEqual({ state: "s" });
        await expect.poll(async () => { await page.goto(party.origin); return (await shown(page, party)).logouts; }).toBe(1);
        await page.goto(party.login({ prompt: "none" }));
        expect(await shown(page, party)).toEqual({ error: "login_required" });
      });
    });

    test("Authlib: code, ID token, userinfo, refresh, introspection and revocation", async ({ page, server }) => {
      const party = await AuthlibParty.start(server.origin, registering(server, "--algorithm", "ES256", "--claims-in-id-token"));
      await Authenticator.attach(page);
      const username = freshName();
      await signUp(page, username);
      await page.goto(`${party.origin}/login`);
      const result = await shown(page, party);
      expect([result.active, result.ended]).toEqual([true, false]);
      expect([result.info.preferred_username, result.claims.preferred_username]).toEqual([username, username]);
      await party.stop();
    });
  });
}

test("signing up during a sign-in to an application leads back to it", async ({ page, server }) => {
  await withParty(server, [], async (party) => {
    await Authenticator.attach(page);
    const username = freshName();
    await page.goto(party.login());
    await page.getByRole("main").getByRole("link", { name: "Sign up" }).click();
    await expect(page.getByText("You'll then continue to Photos.")).toBeVisible();
    await waitForHydration(page);
    await page.getByLabel("Username").fill(username);
    await page.getByLabel("Email").fill(`${username}@example.org`);
    await page.getByRole("button", { name: "Create account with a passkey" }).click();
    await expect(page.getByRole("heading", { name: `Signed in as ${username}` })).toBeVisible();
  });
});

test("a public client needs consent once, and the form says where it leads", async ({ page, server }) => {
  await withParty(server, ["--public", "--consent", "once"], async (party) => {
    await Authenticator.attach(page);
    const username = freshName();
    await signUp(page, username);
    await page.goto(party.login());
    await expect(page.getByRole("heading", { name: "Allow Photos to sign you in?" })).toBeVisible();
    await expect(page.getByRole("main")).toContainText("127.0.0.1");
    await page.getByRole("button", { name: "Cancel" }).click();
    expect(await shown(page, party)).toEqual({ error: "access_denied" });
    await page.goto(party.login());
    await page.getByRole("button", { name: "Allow" }).click();
    expect((await shown(page, party)).info.preferred_username).toBe(username);
    await page.goto(party.login());
    expect((await shown(page, party)).info.preferred_username).toBe(username);
  });
});

test("an application can require the passkey again", async ({ page, server }) => {
  await withParty(server, ["--method", "passkey"], async (party) => {
    await Authenticator.attach(page);
    const username = freshName();
    await signUp(page, username);
    const confirmed = async (asked: AuthorizationParameters, heading: string) => {
      await page.goto(party.login(asked));
      await expect(page.getByText(heading)).toBeVisible();
      await waitForHydration(page);
      await page.getByRole("button", { name: /passkey/ }).click();
      return shown(page, party);
    };
    const result = await confirmed({ prompt: "login" }, "To continue to the application, confirm it's you.");
    expect(result.claims.acr).toBe("phr");
  });
});

test.describe("without scripts", () => {
  test.use({ javaScriptEnabled: false });

  test("signing in by email leads to the application, and signing out leads back to it", async ({ page, server }) => {
    await withParty(server, [], async (party) => {
      const username = freshName();
      await page.goto(party.login());
      await page.getByRole("main").getByRole("link", { name: "Sign up" }).click();
      await page.getByLabel("Username").fill(username);
      await page.getByLabel("Email").fill(`${username}@example.org`);
      await page.getByRole("button", { name: /email/i }).first().click();
      await page.getByLabel("Code").fill((await emailTo(page, `${username}@example.org`)).code);
      await page.getByRole("button", { name: "Continue" }).click();
      expect((await shown(page, party)).claims.amr).toEqual(["otp"]);
      await page.goto(`${party.origin}/logout`);
      await expect(page.getByRole("heading", { name: "Bye" })).toBeVisible();
    });
  });
});
