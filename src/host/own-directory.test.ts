import { afterAll, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { checkOwnDirectory, claimDirectory } from "./own-directory.ts";

const top = mkdtempSync(`${tmpdir()}/pivot-own-`);
afterAll(() => rmSync(top, { recursive: true }));
const uid = process.geteuid?.() ?? 0;
const claim = (path: string) => () => claimDirectory(path, uid, "choose another");

test("a directory that is missing is made for the user alone, and taken again later", () => {
  claim(`${top}/new`)();
  expect(lstatSync(`${top}/new`).mode & 0o7777).toBe(0o700);
  claim(`${top}/new`)();
});

test("what others can write to, a link, and a file are refused in one line", () => {
  mkdirSync(`${top}/open`);
  chmodSync(`${top}/open`, 0o777);
  expect(claim(`${top}/open`)).toThrow(
    `${top}/open is not used: others may write there: its mode is 777; choose another`,
  );
  symlinkSync(`${top}/new`, `${top}/link`);
  expect(claim(`${top}/link`)).toThrow("it is no directory");
  writeFileSync(`${top}/file`, "");
  expect(claim(`${top}/file`)).toThrow("it is no directory");
});

test.skipIf(uid !== 0)("somebody else's is refused (only root can make one)", () => {
  mkdirSync(`${top}/theirs`);
  chownSync(`${top}/theirs`, 12345, 12345);
  expect(claim(`${top}/theirs`)).toThrow("it belongs to the user 12345");
});

test("a root is the caller's; their own group may write there, nobody else", () => {
  const who = { uid, gid: process.getegid?.() ?? 0 };
  const check =
    (path: string, as = who) =>
    () =>
      checkOwnDirectory(path, as, "choose another");
  expect(check(`${top}/not/there`)).not.toThrow();
  mkdirSync(`${top}/root`);
  expect(check(`${top}/root`)).not.toThrow();
  chmodSync(`${top}/root`, 0o770);
  expect(check(`${top}/root`)).not.toThrow();
  expect(check(`${top}/root`, { ...who, gid: who.gid + 1 })).toThrow("its mode is 770");
  chmodSync(`${top}/root`, 0o1757);
  expect(check(`${top}/root`)).toThrow(
    `${top}/root is not used: others may write there: its mode is 1757; choose another`,
  );
  chmodSync(`${top}/root`, 0o755);
  expect(check(`${top}/root`, { ...who, uid: uid + 1 })).toThrow(
    `${top}/root is not used: it belongs to the user ${uid}; choose another`,
  );
  // A link is followed: what counts is where it leads.
  symlinkSync("root", `${top}/to-root`);
  expect(check(`${top}/to-root`)).not.toThrow();
  expect(check(`${top}/to-root`, { ...who, uid: uid + 1 })).toThrow("it belongs to the user");
});
