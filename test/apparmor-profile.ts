// Profiles of AppArmor that a test loads, where the kernel has it.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const enabled = "/sys/module/apparmor/parameters/enabled";

/** Why no profile can be loaded, in words; undefined: root can. */
export const whyNoAppArmor: string | undefined = !(
  existsSync(enabled) && readFileSync(enabled, "utf8").startsWith("Y")
)
  ? "this kernel runs without AppArmor"
  : Bun.which("apparmor_parser") === null
    ? "apparmor_parser is missing: Debian's package apparmor has it"
    : undefined;

const parser = (...words: string[]): string => {
  const { status, stdout, stderr } = spawnSync("apparmor_parser", words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`apparmor_parser ${words.join(" ")}: ${stderr}`);
  return stdout;
};

/** Loads what a file is to say, or takes it out again. */
export function parseProfile(flag: "--replace" | "--remove", file: string, text: string): void {
  writeFileSync(file, text);
  parser(flag, "--skip-cache", file);
}

/** The rule `userns` is known since AppArmor 4. */
export const knowsUserns = (): boolean =>
  Number(/version (\d+)/.exec(parser("--version"))?.[1] ?? 0) >= 4;
