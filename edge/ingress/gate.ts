import { type Admit, admission } from "../../shared/ingress/admission.ts";
import { type BoundScheme, boundScheme } from "../../shared/ingress/registry.ts";
import type { IngressRoute } from "../../shared/ingress/route.ts";

/** One webhook route made ready: what is read of its settings is read once, not with every request. */
export class Gate {
  readonly route: IngressRoute;
  /** Undefined: the edge has nothing to check by, the core does it. */
  readonly scheme: BoundScheme | undefined;
  /** What tells a relay whether it knows the same route; undefined when none has said. */
  readonly mark: string | undefined;
  #admit: Admit | undefined;

  constructor(route: IngressRoute, mark: string | undefined) {
    this.route = route;
    this.mark = mark;
    const { verification } = route;
    this.scheme = verification.scheme === "core" ? undefined : boundScheme(verification);
  }

  /** A header that holds a secret as it is, in lower case, beside those everybody knows. */
  get secretHeader(): string | undefined {
    const { verification } = this.route;
    return verification.scheme === "header" ? verification.header : undefined;
  }

  /** Reads the list of addresses when it is first asked: most routes of an isolate never are. */
  get admit(): Admit {
    this.#admit ??= admission(this.route.admission);
    return this.#admit;
  }

  /** For the `Allow` header. */
  get methods(): string {
    const { methods } = this.route;
    return (this.scheme?.challenge === undefined ? methods : ["GET", ...methods]).join(", ");
  }
}
