/** The image made of this machine's own busybox. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { patience } from "../../test/patience.ts";
import { busyboxCandidates, ensureBusybox } from "./busybox.ts";
import { whyNotStatic } from "./elf.ts";
import { openStore, resolveImage } from "./store.ts";
import {
  describeTree,
  dropDirectory,
  isRoot,
  makeDirectory,
  unpackerOptions,
} from "./testing/fixture.ts";
import { removeTrees } from "./unpack.ts";

const found = busyboxCandidates.find(
  (path) => existsSync(path) && whyNotStatic(readFileSync(path)) === undefined,
);

test("an ELF file is static, or it is said why not", () => {
  expect(whyNotStatic(readFileSync("/bin/ls"))).toBe("it is dynamically linked");
  expect(whyNotStatic(Buffer.from("#!/bin/sh\n"))).toBe("it is not an ELF file");
  expect(whyNotStatic(Buffer.alloc(0))).toBe("it is not an ELF file");
  const cut = readFileSync("/bin/ls").subarray(0, 64);
  expect(whyNotStatic(cut)).toBe("its program headers are beyond its end");
  const object = Buffer.from(readFileSync("/bin/ls"));
  object.writeUInt16LE(1, 16);
  expect(whyNotStatic(object)).toBe("it is not an executable");
});

describe.skipIf(!isRoot || found === undefined)(
  "the busybox image (needs root and a static busybox)",
  () => {
    let directory = "";
    beforeAll(() => {
      directory = makeDirectory();
      unpackerOptions();
    }, 60_000 * patience);
    afterAll(() => dropDirectory(directory));

    test("is made once, with the same digest everywhere, and works", async () => {
      const [one, two] = [openStore(`${directory}/one`), openStore(`${directory}/two`)];
      const image = await ensureBusybox(one, unpackerOptions());
      expect((await ensureBusybox(two, unpackerOptions())).digest).toBe(image.digest);
      expect(resolveImage(one, "busybox")).toEqual(image);
      const { mtimeMs } = statSync(found ?? "");
      expect(Date.parse(String(image.config.created))).toBe(Math.floor(mtimeMs / 1000) * 1000);
      expect(image.config.config).toMatchObject({ Cmd: ["sh"], Entrypoint: [], User: "" });
      const [layer = ""] = image.layers;
      const tree = describeTree(layer);
      expect(tree.get("bin/sh")).toEqual(tree.get("bin/busybox") as never);
      expect(tree.get("bin/sh")).toMatchObject({ type: "file", mode: "755", mtime: 0n });
      expect(tree.get("tmp")).toMatchObject({ mode: "1777", mtime: 0n });
      expect(tree.get("root")?.mode).toBe("700");
      expect(tree.get("etc/shadow")?.mode).toBe("600");
      const run = spawnSync(
        "chroot",
        [layer, "/bin/sh", "-c", "whoami; ls / | wc -l; test -x /usr/bin/env"],
        { encoding: "utf8" },
      );
      expect(run).toMatchObject({ status: 0, stdout: expect.stringMatching(/^root\n1\d\n$/) });
    });

    test("an image of that name is left alone", async () => {
      const store = openStore(`${directory}/one`);
      const image = resolveImage(store, "busybox");
      expect(
        await ensureBusybox(store, { ...unpackerOptions(), candidates: ["/nowhere"] }),
      ).toEqual(image);
    });

    test("an image that has lost its layer is unpacked again", async () => {
      const store = openStore(`${directory}/one`);
      const image = resolveImage(store, "busybox");
      await removeTrees(unpackerOptions(), image.layers);
      expect(await ensureBusybox(store, { ...unpackerOptions(), candidates: [] })).toEqual(image);
    });

    test("no busybox, one that is not static, one that is none", {
      timeout: 30_000 * patience,
    }, async () => {
      const store = openStore(`${directory}/three`);
      const script = `${directory}/false`;
      mkdirSync(directory, { recursive: true });
      const ensure = (...candidates: readonly string[]) =>
        ensureBusybox(store, { ...unpackerOptions(), candidates });
      await expect(ensure("/nowhere", "/bin/ls")).rejects.toThrow(
        /no static busybox .*"\/nowhere": ENOENT; "\/bin\/ls": it is dynamically linked.*install/,
      );
      const c = 'int puts(const char *); int main(void) { return puts("../../etc/evil") < 0; }';
      writeFileSync(`${script}.c`, c);
      expect(spawnSync("cc", ["-static", "-o", script, `${script}.c`]).status).toBe(0);
      await expect(ensure(script)).rejects.toThrow(/it lists "..\/..\/etc\/evil"/);
      writeFileSync(`${script}.c`, "int main(void) { return 3; }");
      expect(spawnSync("cc", ["-static", "-o", script, `${script}.c`]).status).toBe(0);
      await expect(ensure(script)).rejects.toThrow(/it ended with status 3/);
    });
  },
);
