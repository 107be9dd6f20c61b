/** How many times longer than usual tests wait: PIVOT_TEST_PATIENCE, for a machine that is slow. */
export const patience = Number(process.env["PIVOT_TEST_PATIENCE"] ?? 1);
