// A round-robin load balancer in front of several nodes.

import { createServer, request, type Server } from "node:http";

/** Listens on a local port and forwards requests to the nodes in turn. */
export async function balance(port: number, nodes: number[]): Promise<Server> {
  let turn = 0;
  const balancer = createServer((incoming, response) => {
    turn += 1;
    const { method, url: path, headers } = incoming;
    const forwarded = request({ host: "127.0.0.1", port: nodes[turn % nodes.length], method, path, headers }, (upstream) => {
      response.writeHead(upstream.statusCode ?? 502, upstream.rawHeaders);
      upstream.pipe(response);
    });
    forwarded.on("error", () => response.destroy());
    response.on("close", () => forwarded.destroy());
    incoming.pipe(forwarded);
  });
  await new Promise<void>((resolve) => balancer.listen(port, "127.0.0.1", resolve));
  return balancer;
}
