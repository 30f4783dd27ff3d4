import type { ResumingWebSocket } from "../../shared/resume/client.ts";
import { ClosedEvent, FreshEvent, ResumedEvent } from "../../shared/resume/socket-events.ts";

export interface Ear {
  open?(): void;
  message?(data: unknown): void;
  resumed?(): void;
  fresh?(unconfirmed: number): void;
  error?(): void;
  close?(close: {
    readonly code: number;
    readonly reason: string;
    readonly wasClean: boolean;
  }): void;
}

/** Calls back with what each event says. */
export function hear(socket: ResumingWebSocket, ear: Ear): void {
  socket.addEventListener("open", () => ear.open?.());
  socket.addEventListener("error", () => ear.error?.());
  socket.addEventListener("message", (event) => {
    if (event instanceof MessageEvent) ear.message?.(event.data);
  });
  socket.addEventListener("resumed", (event) => {
    if (event instanceof ResumedEvent) ear.resumed?.();
  });
  socket.addEventListener("fresh", (event) => {
    if (event instanceof FreshEvent) ear.fresh?.(event.unconfirmed);
  });
  socket.addEventListener("close", (event) => {
    if (!(event instanceof ClosedEvent)) return;
    const { code, reason, wasClean } = event;
    ear.close?.({ code, reason, wasClean });
  });
}
