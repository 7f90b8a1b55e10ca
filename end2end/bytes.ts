// Transferred bytes of a page by kind, for the budgets in the tests and for the table of the benchmarks.

import type { Page, Request } from "@playwright/test";

/** Everything that a page may load, in KiB. */
export const BUDGETS: Record<string, number> = { "/": 6, "/sign-in": 92, "/sign-up": 92, "/account": 98, "/apps": 8 };

const KINDS = ["html", "css", "js", "wasm", "other"] as const;
export type Kind = (typeof KINDS)[number];

function kindOf(request: Request, type: string): Kind {
  if (request.resourceType() === "document") return "html";
  return KINDS.find((kind) => type.includes(kind === "js" ? "javascript" : kind)) ?? "other";
}

/** The body bytes of everything that a page loads with the cookies of `from` and an empty cache. */
export async function bytesOf(from: Page, path: string): Promise<Record<Kind, number>> {
  const storageState = await from.context().storageState();
  const context = await from.context().browser()!.newContext({ baseURL: new URL(from.url()).origin, storageState });
  const bytes = await bytesOfFirst(await context.newPage(), path);
  await context.close();
  return bytes;
}

async function bytesOfFirst(page: Page, path: string): Promise<Record<Kind, number>> {
  const bytes: Record<Kind, number> = { html: 0, css: 0, js: 0, wasm: 0, other: 0 };
  const sizes: Promise<void>[] = [];
  const add = (request: Request) => {
    sizes.push(
      (async () => {
        const [response, size] = await Promise.all([request.response(), request.sizes()]);
        // API calls do not count.
        if (request.resourceType() === "fetch" && !request.url().includes("/pkg/") && !request.url().includes(".wasm")) return;
        bytes[kindOf(request, (await response?.headerValue("content-type")) ?? "")] += size.responseBodySize;
      })(),
    );
  };
  page.on("requestfinished", add);
  await page.goto(path);
  await page.waitForLoadState("networkidle");
  await Promise.all(sizes);
  return bytes;
}

export function total(bytes: Record<Kind, number>): number {
  return Object.values(bytes).reduce((sum, size) => sum + size, 0);
}
