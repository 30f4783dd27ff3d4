/** Pure. What there is of running the gateway as a service. */

export interface ServiceAnswer {
  readonly installed: false;
  readonly reason: "not_asked" | "not_available";
  readonly message: string;
}

/** @param asked - Whether somebody wants it to be installed. */
export function serviceAnswer(asked: boolean): ServiceAnswer {
  if (!asked) return { installed: false, reason: "not_asked", message: "no service was asked for" };
  return {
    installed: false,
    reason: "not_available",
    message:
      "this version does not install the gateway as a service: run sallyport gateway under a service manager of yours (sallyport edge serve --print-unit prints such a unit for an edge)",
  };
}
