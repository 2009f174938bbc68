/** The command line in a process of its own that ends with the process that began it, also where that was killed. A training would end at its next event, which nobody reads; a scoring only when it is done. */
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
process.channel?.unref();
await import("../../cli/main.js");
