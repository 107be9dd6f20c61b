// Standard streams without a terminal: complete, in order, ended by whom they should be.

import { afterAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { patience } from "./patience.ts";
import { Ground, pivotPath, whyNot } from "./pivot.ts";

const ground = new Ground("streams");

const word = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function host(script: string, settings: Parameters<Ground["command"]>[1] = {}) {
  const pivot = [pivotPath, ...ground.roots()].map(word).join(" ");
  return ground.command(["/bin/bash", "-c", `pivot() { ${pivot} "$@"; }; ${script}`], settings);
}

/** 10 MB with every byte's place to be seen, made inside; and its digest. */
const tenMegabytes = "seq 1000000 1428571 | head -c 3000000; seq 1 1000000 | head -c 7000000";
const [large, digest] = ((): [number, string] => {
  const text = Array.from({ length: 428_572 }, (_, i) => `${1_000_000 + i}\n`).join("");
  const more = Array.from({ length: 1_000_000 }, (_, i) => `${i + 1}\n`).join("");
  const bytes = text.slice(0, 3_000_000) + more.slice(0, 7_000_000);
  return [bytes.length, createHash("sha256").update(bytes).digest("hex")];
})();
const sha256 = (bytes: string | Uint8Array): string =>
  createHash("sha256").update(bytes).digest("hex");

describe.skipIf(whyNot !== undefined)(`streams (${whyNot ?? "as root"})`, () => {
  afterAll(() => ground.close());

  test("10 MB come out complete through a pipe, a file and a socket", {
    timeout: 20_000 * patience,
  }, async () => {
    const script = `sh -c ${word(tenMegabytes)}`;
    const piped = host(`pivot run --rm busybox ${script} | cat`);
    expect([piped.stdout.length, sha256(piped.stdout)]).toEqual([large, digest]);
    const file = `${ground.directory}/out`;
    expect(host(`pivot run --rm busybox ${script} >${word(file)}`).code).toBe(0);
    expect([statSync(file).size, sha256(readFileSync(file))]).toEqual([large, digest]);
    // Node and Bun make a socket of "pipe".
    const child = spawn(
      pivotPath,
      [...ground.roots(), "run", "--rm", "busybox", "sh", "-c", tenMegabytes],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const hash = createHash("sha256");
    for await (const chunk of child.stdout) hash.update(chunk as Uint8Array);
    expect(hash.digest("hex")).toBe(digest);
  });

  test("10 MB go in complete through a pipe, a file and a socket", {
    timeout: 20_000 * patience,
  }, () => {
    const file = `${ground.directory}/in`;
    host(`pivot run --rm busybox sh -c ${word(tenMegabytes)} >${word(file)}`);
    const sum = "pivot run --rm -i busybox sha256sum";
    const expected = `${digest}  -\n`;
    expect(host(`cat ${word(file)} | ${sum}`).stdout).toBe(expected);
    expect(host(`${sum} <${word(file)}`).stdout).toBe(expected);
    // spawnSync gives a socket.
    expect(
      ground.run(["-i", "busybox", "sha256sum"], { input: readFileSync(file, "latin1") }),
    ).toMatchObject({ code: 0, stdout: expected });
  });

  test("a reader that leaves early ends it without a hang or a word", () => {
    const start = Date.now();
    const script = "sh -c 'yes | head -c 10000000'";
    const { stdout, stderr } = host(`pivot run --rm busybox ${script} | head -c 100 | wc -c`);
    expect({ stdout: stdout.trim(), stderr }).toEqual({ stdout: "100", stderr: "" });
    const endless = host("pivot run --rm --init busybox yes | head -c 100 | wc -c");
    expect({ stdout: endless.stdout.trim(), stderr: endless.stderr }).toEqual({
      stdout: "100",
      stderr: "",
    });
    expect(Date.now() - start).toBeLessThan(5000 * patience);
  });

  test("output goes to where it is meant: standard error is not standard output", () => {
    const ran = ground.run(["busybox", "sh", "-c", "echo out; echo err >&2; exit 3"]);
    expect(ran).toEqual({ code: 3, signal: null, stdout: "out\n", stderr: "err\n" });
  });

  test("without -i there is nothing to read, with it all of it, to its end", () => {
    const words = ["busybox", "sh", "-c", "cat; echo end"];
    expect(ground.run(words, { input: "hello\n" }).stdout).toBe("end\n");
    expect(ground.run(["-i", ...words], { input: "hello\n" }).stdout).toBe("hello\nend\n");
    expect(ground.run(["-i", ...words], { input: "" }).stdout).toBe("end\n");
  });

  test("a container that does not read its input ends all the same", () => {
    const start = Date.now();
    expect(host("yes | pivot run --rm -i busybox true").code).toBe(0);
    expect(host("sleep 1 | pivot run --rm -i busybox echo done").stdout).toStartWith("done\n");
    expect(Date.now() - start).toBeLessThan(8000 * patience);
  });

  for (const closed of ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"]) {
    test(`with ${closed} closed it runs, and nothing else gets that number`, () => {
      const file = `${ground.directory}/seen`;
      const script = "for fd in 0 1 2; do readlink /proc/$$/fd/$fd; done >/out/seen; exit 5";
      const flags = `-i -v ${word(ground.directory)}:/out`;
      const ran = host(`pivot run --rm ${flags} busybox sh -c ${word(script)} ${closed}`);
      expect(ran.code).toBe(5);
      const [stdin, , stderr] = readFileSync(file, "utf8").split("\n");
      if (closed.includes("<")) expect(stdin).toBe("/dev/null");
      if (closed.includes("2>")) expect(stderr).toBe("/dev/null");
    });
  }

  test("/dev/stdout, /dev/stderr and /proc/self/fd/1 can be opened, by others than root too", () => {
    const script =
      "echo a >/dev/stdout; echo b >/dev/stderr; echo c >>/proc/self/fd/1; echo d >/dev/fd/2";
    const file = `${ground.directory}/out`;
    for (const user of ["root", "daemon"]) {
      const ran = ground.run(["-u", user, "busybox", "sh", "-c", script]);
      expect({ user, ...ran }).toMatchObject({ user, stdout: "a\nc\n", stderr: "b\nd\n" });
      const toFile = host(
        `pivot run --rm -u ${user} busybox sh -c ${word(script)} >${word(file)} 2>&1`,
      );
      expect(toFile.code).toBe(0);
      expect(readFileSync(file, "utf8").split("\n").sort()).toEqual(["", "a", "b", "c", "d"]);
    }
  });

  test("a file of the host that is standard output cannot be read or cut by the container", () => {
    const file = `${ground.directory}/log`;
    const script = `echo 'kept' >${word(file)}; pivot run --rm busybox sh -c ': >/proc/self/fd/1; echo new' >>${word(file)} 2>/dev/null </dev/null`;
    host(script, { timeout: 5000 });
    expect(readFileSync(file, "utf8")).toBe("kept\nnew\n");
  });

  test("a container in the background of a shell is not stopped for its terminal", () => {
    const ran = host("set -m; pivot run --rm busybox echo fine & wait $!; echo $?");
    expect(ran.stdout).toBe("fine\n0\n");
  });
});
