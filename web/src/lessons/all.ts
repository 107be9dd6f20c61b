/** All lessons, in their order. */

import { chrootLesson } from "./chroot.ts";
import { devLesson } from "./dev.ts";
import { dockerRunLesson } from "./docker-run.ts";
import type { Lesson } from "./lesson.ts";
import { namespaceLesson } from "./namespace.ts";
import { pivotRootLesson } from "./pivot-root.ts";
import { procLesson } from "./proc.ts";

export const lessons: readonly Lesson[] = [
  namespaceLesson,
  chrootLesson,
  pivotRootLesson,
  procLesson,
  devLesson,
  dockerRunLesson,
];

export const findLesson = (id: string): Lesson | undefined =>
  lessons.find((lesson) => lesson.id === id);
