// An ordinary user's containers where AppArmor confines whoever starts them: what a profile forbids is said
// in its name. Ubuntu has a sysctl by which everybody is confined in a user namespace of their own
// (kernel.apparmor_restrict_unprivileged_userns); a stock kernel lacks that, so pivot is started
// under profiles that take the same rights away.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { knowsUserns, parseProfile, whyNoAppArmor } from "./apparmor-profile.ts";
import { OrdinaryUser, whyNoUser } from "./ordinary-user.ts";
import { patience } from "./patience.ts";
import { pivotPath } from "./pivot.ts";

const why =
  whyNoUser() ??
  whyNoAppArmor ??
  (Bun.which("aa-exec") === null
    ? "aa-exec is missing: Debian's package apparmor has it"
    : undefined);
const about = (name: string): string => (why === undefined ? name : `${name} (skipped: ${why})`);

const name = (what: string) => `pivot-test-${process.pid}-${what}`;
const cure =
  "run pivot outside of what is confined, or give the profile `capability, mount, umount, pivot_root, userns,`\n";
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
    const usual = `file, network, signal, ptrace, unix, pivot_root, ${userns}`;
    profiles = `
      profile ${name("powerless")} ${flags} { ${usual} mount, umount, }
      profile ${name("mountless")} ${flags} { ${usual} capability, }
      profile ${name("inside")} ${flags} { ${usual} capability, mount, umount, deny /tmp/no wl, }
      profile ${name("free")} ${pivotPath} flags=(unconfined) { ${userns} }\n`;
    parseProfile("--replace", `${directory}/profiles`, profiles);
  }, 60_000 * patience);
  afterEach(() => user.expectNobody());
  afterAll(() => {
    parseProfile("--remove", `${directory}/profiles`, profiles);
    rmSync(directory, { recursive: true });
    user.drop();
  });

  const under = async (what: string, words: readonly string[], env = {}) => {
    const as = ["aa-exec", "-p", name(what), "--", pivotPath, ...words];
    const { code, stdout, stderr } = await user.command(as, { env });
    return { code, stdout, stderr };
  };
  const refused = (stderr: string) => ({ code: 125, stdout: "", stderr });

  test("a profile that is pivot's own, and unconfined, lets everything work", async () => {
    expect(await user.ok(...run, ...label)).toBe(`${name("free")} (unconfined)`);
  });

  test("one with no capabilities is named, with a range and with a single id", async () => {
    const which = `pivot: the AppArmor profile ${name("powerless")}, which this runs under,`;
    expect(await under("powerless", [...run, ...label])).toEqual(
      refused(`${which} lets newuidmap map no ids: ${cure}`),
    );
    expect(await under("powerless", [...run, ...label], { PIVOT_SINGLE_ID: "1" })).toEqual(
      refused(`${which} gives no rights in user namespaces: ${cure}`),
    );
  });

  test("one that lets nobody mount is named with the step that failed", async () => {
    const { code, stderr } = await under("mountless", [...run, ...label]);
    expect({ code, stderr }).toEqual({
      code: 125,
      stderr: expect.stringMatching(/^pivot: cannot [^\n]*: EACCES: [^\n]*\n$/),
    });
    expect(stderr).toEndWith(
      `; the AppArmor profile ${name("mountless")}, which this runs under, may forbid it (dmesg says more): ${cure}`,
    );
  });

  test("doctor says the same", async () => {
    const { stdout } = await under("powerless", ["doctor", "--format", "json"]);
    expect(stdout).toContain(`the AppArmor profile ${name("powerless")}, which this runs under`);
    expect(stdout).not.toContain("apparmor_restrict_unprivileged_userns");
    expect(stdout).not.toContain("use Linux 5.11");
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
