/** Whether somebody listens at a socket: one stays where it is when who made it was killed. */

import { connect } from "node:net";

export const isHeard = (socket: string): Promise<boolean> =>
  new Promise((resolve) => {
    const connection = connect(socket);
    connection.once("connect", () => {
      connection.destroy();
      resolve(true);
    });
    connection.once("error", () => resolve(false));
  });
