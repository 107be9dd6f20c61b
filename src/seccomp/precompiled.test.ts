// The generated programs are those that the compiler makes of the default profile now.
import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { decodeBase64 } from "./base64.ts";
import { compile } from "./compile.ts";
import { MATTERING } from "./default.generated.ts";
import { capabilitiesThatMatter, defaultProfile } from "./default-profile.ts";
import { precompiledDefault, precompiledOptions } from "./precompiled.ts";

for (const arch of ["x86_64", "aarch64"] as const) {
  for (const chroot of [true, false]) {
    test(`fresh: ${arch}, ${chroot ? "CAP_SYS_CHROOT" : "no capability"} (tools/seccomp-default.ts)`, () => {
      const options = precompiledOptions(arch, chroot);
      const compiled = compile(defaultProfile(options), arch);
      const text = precompiledDefault(options) ?? "";
      expect(compiled.ok && Buffer.from(compiled.program).toString("base64")).toBe(text);
    });
  }
}

test("fresh: the capabilities that matter (tools/seccomp-default.ts)", () => {
  expect(MATTERING).toEqual(capabilitiesThatMatter());
});

test("Docker's default capabilities have a program, on any kernel that is not ancient", () => {
  const names = "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP";
  const capabilities = `${names} NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE`
    .split(" ")
    .map((name) => `CAP_${name}`);
  const options = { capabilities, arch: "x86_64" } as const;
  const usual = precompiledDefault({ ...options, kernel: { major: 6, minor: 18 } });
  expect(usual).toBe(precompiledDefault(precompiledOptions("x86_64", true)) ?? "");
  expect(precompiledDefault({ ...options, kernel: { major: 4, minor: 4 } })).toBeUndefined();
  const more = { ...options, capabilities: [...capabilities, "CAP_SYS_ADMIN"] };
  expect(precompiledDefault({ ...more, kernel: { major: 6, minor: 18 } })).toBeUndefined();
});

test("a precompiled program is what the options would compile to", () => {
  const options = fc.record({
    capabilities: fc.subarray([...capabilitiesThatMatter(), "CAP_KILL"], { maxLength: 2 }),
    kernel: fc.record({
      major: fc.integer({ min: 4, max: 6 }),
      minor: fc.integer({ min: 0, max: 9 }),
    }),
    arch: fc.constantFrom("x86_64" as const, "aarch64" as const),
  });
  const property = fc.property(options, (given) => {
    const text = precompiledDefault(given);
    if (text === undefined) return;
    const compiled = compile(defaultProfile(given), given.arch);
    expect(compiled.ok && Buffer.from(compiled.program).toString("base64")).toBe(text);
  });
  fc.assert(property, { numRuns: 50 });
});

test("base64 decodes as the runtime's own decoder does", () => {
  const property = fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
    expect(decodeBase64(Buffer.from(bytes).toString("base64"))).toEqual(new Uint8Array(bytes));
  });
  fc.assert(property);
});
