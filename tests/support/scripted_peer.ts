/** A process of Python that has many conversations, one after another, each as a script says. */

import type { InetAddress, Socket } from "../../mod.ts";
import { helpers, type Role } from "./peers.ts";
import { type Program, python } from "./process.ts";
import type { Scope } from "./scope.ts";
import type { Setting } from "./tcp.ts";

const server = `${helpers}
for line in sys.stdin:
    host, port, source = json.loads(line)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    s = socket.socket(family)
    if port == 0:
        listener = s
        listener.bind((host, 0))
        listener.listen()
        say(listener.getsockname()[1])
        if "listener" not in source:
            s, peer = listener.accept()
            listener.close()
    else:
        s.connect((host, port))
    s.settimeout(30)
    try:
        exec(source)
    except Exception as error:
        say("failed", repr(error), source)
    s.close()
`;

/** The peer; it is closed with its scope. */
export class ScriptedPeer {
  readonly #setting: Setting;
  readonly #program: Program;

  constructor(scope: Scope, setting: Setting) {
    this.#setting = setting;
    this.#program = scope.add(python(server));
  }

  /**
   * Begins a conversation.
   *
   * @param role Who connects.
   * @param source What the peer does with its socket `s`. Where it speaks of its `listener`, it accepts by itself.
   */
  async meet(scope: Scope, role: Role, source: string): Promise<Socket<InetAddress>> {
    const { host } = this.#setting;
    if (role !== "accepted") {
      this.#run([host, 0, source]);
      const [port] = await this.told() as [number];
      const s = this.#setting.socket(scope);
      if (role === "bound and connected") await s.bind([host, 0]);
      await s.connect([host, port]);
      return s;
    }
    const server = await this.#setting.server(scope);
    server.settimeout(20);
    this.#run([host, server.getsockname()[1], source]);
    const [s] = await server.accept();
    scope.add(s);
    await server.close();
    return s;
  }

  /** Begins a conversation with a listener that does not accept yet. */
  connectTo(listener: Socket<InetAddress>, source: string): void {
    const [, port] = listener.getsockname();
    this.#run([this.#setting.host, port, source]);
  }

  /** Lets the peer go on from `command()`. */
  go(): void {
    this.#program.write("\n");
  }

  /** What the peer says next. */
  told(): Promise<unknown[]> {
    return this.#program.json();
  }

  #run(conversation: [host: string, port: number, source: string]): void {
    this.#program.write(`${JSON.stringify(conversation)}\n`);
  }
}
