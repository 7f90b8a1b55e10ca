// A round-robin load balancer in front of several nodes.

import { createServer, request, type Server } from "node:http";

/** Listens on a local port and forwards requests to the nodes in turn. */
export async function balance(port: number, nodes: number[]): Promise<Server> {
  let turn = 0;
  const balancer = createServer((asked, answer) => {
    turn += 1;
    const { method, url: path, headers } = asked;
    const passed = request({ host: "127.0.0.1", port: nodes[turn % nodes.length], method, path, headers }, (given) => {
      answer.writeHead(given.statusCode ?? 502, given.rawHeaders);
      given.pipe(answer);
    });
    passed.on("error", () => answer.destroy());
    answer.on("close", () => passed.destroy());
    asked.pipe(passed);
  });
  await new Promise<void>((resolve) => balancer.listen(port, "127.0.0.1", resolve));
  return balancer;
}
