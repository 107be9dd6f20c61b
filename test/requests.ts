// Many requests in a row, from wherever the program is started.

/** The command of a program that prints how many of so many requests are answered with a page. */
export const requests = (url: string, count: number): readonly string[] => [
  process.execPath,
  "-e",
  `let n = 0;
   for (let i = 0; i < ${count}; i++) {
     const answer = await fetch(${JSON.stringify(url)}, { signal: AbortSignal.timeout(5000) }).catch(() => null);
     n += (await answer?.text())?.startsWith("page") ? 1 : 0;
   }
   console.log(n);`,
];
