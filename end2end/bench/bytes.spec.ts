import { BUDGETS, type Kind, bytesOf, total } from "../bytes";
import { Authenticator, freshName, signUp, test } from "../fixtures";
import { type Row, report } from "./report";

const kib = (bytes: number) => (bytes / 1024).toFixed(1);

test("everything that each page loads, by kind, in KiB", async ({ browser, server }) => {
  const rows: Row[] = [];
  for (const path of Object.keys(BUDGETS)) {
    // Nothing is kept from one page to the next.
    const context = await browser.newContext({ baseURL: server.origin });
    const page = await context.newPage();
    if (path === "/account") {
      const elsewhere = await context.newPage();
      await Authenticator.attach(elsewhere);
      await signUp(elsewhere, freshName());
      const session = await context.newCDPSession(page);
      await session.send("Network.clearBrowserCache");
    }
    const bytes = await bytesOf(page, path);
    const columns = Object.fromEntries(Object.keys(bytes).map((kind) => [kind, kib(bytes[kind as Kind])]));
    rows.push({ what: path, columns: { ...columns, all: kib(total(bytes)), budget: BUDGETS[path] } });
    await context.close();
  }
  report("bytes", rows);
});
