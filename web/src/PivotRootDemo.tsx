/**
 * One lesson, for other sites: `<PivotRootDemo lesson="pivot-root" />`. It needs nothing around it
 * but `styles.css`, leaves the page's address alone, and takes keys only while the focus is in it.
 */

import { useState } from "react";
import { findLesson, lessons } from "./lessons/all.ts";
import { LessonView } from "./parts/LessonView.tsx";

export type PivotRootDemoProps = {
  /** Which: `namespace`, `chroot`, `pivot-root` (unless told), `proc`, `dev`, `docker-run`. */
  readonly lesson?: string;
  /** The step that it begins with; 0 is before the first. */
  readonly step?: number;
  /** Steps that are left out at the beginning, counted from 1. */
  readonly leftOut?: readonly number[];
  readonly quiz?: boolean;
  /** The rank of its heading among the site's own; `h2` unless told. */
  readonly heading?: "h2" | "h3" | "h4";
  /** As the site has it; absent: as `data-theme` of the page says, else as the browser wishes. */
  readonly theme?: "light" | "dark";
};

export function PivotRootDemo({
  lesson = "pivot-root",
  step = 0,
  leftOut = [],
  quiz = false,
  heading = "h2",
  theme,
}: PivotRootDemoProps) {
  const [now, setNow] = useState(step);
  const [without, setWithout] = useState<ReadonlySet<number>>(() => new Set(leftOut));
  const found = findLesson(lesson);
  if (found === undefined) {
    return (
      <p role="alert">
        There is no lesson {lesson}; there are {lessons.map(({ id }) => id).join(", ")}.
      </p>
    );
  }
  return (
    <div className="pivot-page" data-theme={theme}>
      <LessonView
        lesson={found}
        step={now}
        leftOut={without}
        onStep={setNow}
        onLeftOut={setWithout}
        withQuiz={quiz}
        heading={heading}
      />
    </div>
  );
}
