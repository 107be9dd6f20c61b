/** What other sites import: the component, and the lessons as data. Styles are in `styles.css`. */

export { findLesson, lessons } from "./lessons/all.ts";
export type { Lesson, Step } from "./lessons/lesson.ts";
export { PivotRootDemo, type PivotRootDemoProps } from "./PivotRootDemo.tsx";
