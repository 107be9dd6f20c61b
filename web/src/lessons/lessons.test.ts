/** Every lesson does in the simulator what its text says, whole and with each step left out. */

import { describe, expect, test } from "bun:test";
import type { Errno } from "../../../src/simulator/mod.ts";
import { beginningOf, tell } from "../model/story.ts";
import { groupsOf } from "../model/world.ts";
import { lessons } from "./all.ts";
import { asItIs } from "./claims.ts";

test("lessons have addresses of their own", () => {
  expect(new Set(lessons.map(({ id }) => id)).size).toBe(lessons.length);
  for (const { id } of lessons) expect(id).toMatch(/^[a-z][a-z-]*$/);
});

for (const lesson of lessons) {
  describe(lesson.id, () => {
    test("every step goes through, and what is said of it is so", () => {
      const told = tell(lesson, new Set());
      expect(told.map(({ frame }) => frame.failure)).toEqual(told.map(() => null));
      for (const [index, step] of lesson.steps.entries()) {
        const scene = told[index + 1]?.scene ?? beginningOf(lesson);
        for (const claim of step.claims ?? []) {
          expect({ step: index + 1, ...asItIs(scene, claim) }).toEqual({
            step: index + 1,
            ...claim,
          });
        }
      }
    });

    test("who is there beside host and box is told before the first step", () => {
      const others = beginningOf(lesson).session.names.values();
      for (const name of others) {
        if (name !== "host" && name !== "box") expect(lesson.before).toContain(name);
      }
    });

    test("an errno that the text names is the one that comes", () => {
      for (const { without, leaveOut } of lesson.steps) {
        const named = `${without} ${leaveOut?.shows}`.match(/\bE[A-Z]{3,}\b/g) ?? [];
        for (const errno of named) expect(leaveOut?.fails?.errno).toBe(errno as Errno);
      }
    });

    test("at the beginning the host's mounts are shared", () => {
      expect(groupsOf(tell(lesson, new Set())[0]?.frame.world ?? []).length).toBeGreaterThan(2);
    });

    for (const [index, { leaveOut, title }] of lesson.steps.entries()) {
      if (leaveOut === undefined) continue;
      test(`without step ${index + 1}, ${title}`, () => {
        const told = tell(lesson, new Set([index + 1]));
        expect(told[index + 1]?.frame.outcome).toBe("left out");
        const failed = told.findIndex(({ frame }) => frame.failure !== null);
        const failure = told[failed]?.frame.failure;
        const found =
          failure === undefined || failure === null
            ? undefined
            : { step: failed, errno: failure.errno };
        expect(found).toEqual(leaveOut.fails);
        if (failure) expect(failure.rule.length + (failure.cure ?? "").length).toBeGreaterThan(40);
        const end = told.at(-1)?.scene ?? beginningOf(lesson);
        for (const claim of leaveOut.claims ?? []) expect(asItIs(end, claim)).toEqual(claim);
        // Nothing is left out without a consequence that was looked at.
        expect(
          (leaveOut.claims ?? []).length + (leaveOut.fails === undefined ? 0 : 1),
        ).toBeGreaterThan(0);
      });
    }

    test("each question has one right answer, the first, and says why of each", () => {
      expect(lesson.quiz.length).toBeGreaterThanOrEqual(2);
      for (const { answers } of lesson.quiz) {
        expect(answers.map(({ right }) => right)).toEqual(answers.map((_, i) => i === 0));
        for (const { because } of answers) expect(because.length).toBeGreaterThan(15);
      }
    });
  });
}
