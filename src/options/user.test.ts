import { expect, test } from "bun:test";
import { outcome } from "./testing/outcome.ts";
import { parseGroup, parseUser } from "./user.ts";

test.each([
  ["root", "root", null],
  ["1000", "1000", null],
  ["1000:", "1000", null],
  ["1000:100", "1000", "100"],
  ["app:staff", "app", "staff"],
  ["0:0", "0", "0"],
  ["2147483647", "2147483647", null],
  ["DOMAIN\\some one", "DOMAIN\\some one", null],
])("%s", (given, user, group) => {
  expect(outcome(parseUser(given))).toEqual({ user, group });
});

test.each([
  ["", "it looks like NAME, UID, NAME:GROUP or UID:GID"],
  [":100", "it looks like NAME, UID, NAME:GROUP or UID:GID"],
  ["a:b:c", "it looks like NAME, UID, NAME:GROUP or UID:GID"],
  ["-1", "uids and gids go from 0 to 2147483647"],
  ["2147483648", "uids and gids go from 0 to 2147483647"],
  ["4294967296", "uids and gids go from 0 to 2147483647"],
  ["0:4294967295", "uids and gids go from 0 to 2147483647"],
  ["99999999999999999999", "uids and gids go from 0 to 2147483647"],
  ["a\nb", "a name has no control characters"],
])("%p is refused", (given, reason) => {
  expect(outcome(parseUser(given))).toBe(
    `invalid argument ${JSON.stringify(given)} for "-u, --user": ${reason}`,
  );
});

test("a group is one name or number", () => {
  expect(outcome(parseGroup("audio"))).toBe("audio");
  expect(outcome(parseGroup("29"))).toBe("29");
  expect(outcome(parseGroup("a:b"))).toBe(
    'invalid argument "a:b" for "--group-add": it is a name or a number',
  );
  expect(outcome(parseGroup("-5"))).toBe(
    'invalid argument "-5" for "--group-add": uids and gids go from 0 to 2147483647',
  );
});
