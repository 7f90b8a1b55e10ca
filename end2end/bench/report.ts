// Tables for people and JSON for programs, like the project's other benchmarks.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type Row = { what: string; columns: Record<string, number | string> };

const FOLDER = join(import.meta.dirname, "../../target/bench");

export function report(title: string, rows: Row[]): void {
  const names = Object.keys(rows[0].columns);
  const lines = [[title, ...names], [title, ...names].map(() => "---"), ...rows.map(({ what, columns }) => [what, ...names.map((name) => String(columns[name]))])];
  console.log(`\n${lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n")}\n`);
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, `${title.toLowerCase().replace(/[^a-z0-9]/g, "-")}.json`), JSON.stringify({ table: title, rows }, null, 2));
}

export function median(numbers: number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}
