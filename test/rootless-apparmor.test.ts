// An ordinary user's containers where AppArmor is in force: for the container by --security-opt, and a
// profile for pivot that is unconfined, as machines need it that confine everybody in a user namespace.
// What a profile forbids is in apparmor.test.ts.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { knowsUserns, parseProfile, whyNoAppArmor } from "./apparmor-profile.ts";
import { OrdinaryUser, whyNoUser } from "./ordinary-user.ts";
import { patience } from "./patience.ts";
import { pivotPath } from "./pivot.ts";

const why = whyNoUser() ?? whyNoAppArmor;
const about = (name: string): string => (why === undefined ? name : `${name} (skipped: ${why})`);

const name = (what: string) => `pivot-test-${process.pid}-${what}`;
const run = ["run", "--rm", "--network", "none"] as const;
const label = ["busybox", "cat", "/proc/self/attr/current"] as const;

describe.skipIf(why !== undefined)(about("an ordinary user's containers under AppArmor"), () => {
  const user = new OrdinaryUser("range");
  let directory = "";
  let profiles = "";

  beforeAll(() => {
    directory = mkdtempSync("/tmp/pivot-apparmor-");
    const userns = knowsUserns() ? "userns," : "";
    const flags = "flags=(attach_disconnected,mediate_deleted)";
    profiles = `
      profile ${name("inside")} ${flags} { file, network, signal, ptrace, unix, pivot_root, ${userns}
        capability, mount, umount, deny /tmp/no wl, }
      profile ${name("free")} ${pivotPath} flags=(unconfined) { ${userns} }\n`;
    parseProfile("--replace", `${directory}/profiles`, profiles);
  }, 60_000 * patience);
  afterEach(() => user.expectNobody());
  afterAll(() => {
    parseProfile("--remove", `${directory}/profiles`, profiles);
    rmSync(directory, { recursive: true });
    user.drop();
  });

  test("a profile that is pivot's own, and unconfined, lets everything work", async () => {
    expect(await user.ok(...run, ...label)).toBe(`${name("free")} (unconfined)`);
  });

  test("--security-opt apparmor= is in force", async () => {
    const option = ["--security-opt", `apparmor=${name("inside")}`];
    const attempt =
      "cat /proc/self/attr/current; (echo x >/tmp/no) 2>&1; echo x >/tmp/yes; cat /tmp/yes";
    expect(await user.ok(...run, ...option, "busybox", "sh", "-c", attempt)).toBe(
      `${name("inside")} (enforce)\nsh: can't create /tmp/no: Permission denied\nx`,
    );
  });
});
