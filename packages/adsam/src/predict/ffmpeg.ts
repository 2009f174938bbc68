/** Videos through the ffmpeg and ffprobe that this machine has. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { Problem } from "@adsam/torch/problem";
import type { Picture, Size } from "../data/picture.js";

const execute = promisify(execFile);

export interface VideoInfo {
  /** Of the frames as they are shown, upright. */
  readonly size: Size;
  /** Frames a second, as ffmpeg writes fractions: `30000/1001`. */
  readonly rate: string;
  readonly fps: number;
  /** How many frames the file says it has; undefined where it does not say. */
  readonly frames: number | undefined;
}

/** @throws Problem where the programs are not installed, with the command that installs them */
export async function requireFfmpeg(): Promise<void> {
  for (const program of ["ffmpeg", "ffprobe"])
    try {
      await execute(program, ["-version"]);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      throw new Problem({
        what: "videos",
        found: `no ${program} on this machine`,
        expected: "ffmpeg and ffprobe in the PATH",
        todo: "Debian, Ubuntu: sudo apt-get install ffmpeg. Fedora: sudo dnf install ffmpeg-free. macOS: brew install ffmpeg. Windows: winget install ffmpeg.",
      });
    }
}

/** @throws Problem for a file without a picture stream */
export async function probeVideo(file: string): Promise<VideoInfo> {
  const entries =
    "stream=width,height,avg_frame_rate,r_frame_rate,nb_frames,duration:stream_side_data=rotation:format=duration";
  const args = ["-v", "error", "-select_streams", "v:0", "-show_entries", entries, "-of", "json", `file:${file}`];
  const refuse = (found: string): Problem =>
    new Problem({
      what: `video "${file}"`,
      found,
      expected: "a whole video that this ffmpeg decodes",
      todo: "A recording or copy that was cut short can lack its index; record or copy it again.",
    });
  const { stdout } = await execute("ffprobe", args).catch((error: { stderr?: string; message: string }) => {
    throw refuse(lastLine(error.stderr ?? error.message) || "nothing that ffprobe understands");
  });
  const { streams = [], format = {} } = JSON.parse(stdout) as ProbeReply;
  const [stream] = streams;
  if (!stream?.width || !stream.height) throw refuse("no pictures in it");
  const turned = Math.abs(stream.side_data_list?.find(({ rotation }) => rotation)?.rotation ?? 0) % 180 === 90;
  const [height, width] = turned ? [stream.width, stream.height] : [stream.height, stream.width];
  const rate = [stream.avg_frame_rate, stream.r_frame_rate, "25/1"].find((text) => ratio(text) > 0)!;
  const seconds = Number(stream.duration ?? format.duration);
  const counted = Number(stream.nb_frames) || Math.round(seconds * ratio(rate));
  return { size: { height, width }, rate, fps: ratio(rate), frames: counted > 0 ? counted : undefined };
}

interface ProbeReply {
  readonly streams?: readonly {
    readonly width?: number;
    readonly height?: number;
    readonly avg_frame_rate?: string;
    readonly r_frame_rate?: string;
    readonly nb_frames?: string;
    readonly duration?: string;
    readonly side_data_list?: readonly { readonly rotation?: number }[];
  }[];
  readonly format?: { readonly duration?: string };
}

/** `30000/1001` as a number; NaN for `0/0` and nothing. */
function ratio(text: string | undefined): number {
  const [above, below] = (text ?? "").split("/").map(Number);
  return above! / below!;
}

/** What ffmpeg complained about while decoding; filled when the frames have ended. */
export interface Complaint {
  text?: string;
}

/** The frames at a constant rate, one at a time: ffmpeg waits for the reader, so memory stays flat. */
export async function* videoFrames(
  file: string,
  { size, rate }: VideoInfo,
  complaint: Complaint,
): AsyncGenerator<Picture, void, undefined> {
  const input = ["-i", `file:${file}`, "-map", "0:v:0", "-an", "-sn", "-vf", `fps=${rate}`];
  const child = start([...input, "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"], ["ignore", "pipe", "pipe"]);
  const said = collect(child);
  const bytes = 3 * size.height * size.width;
  let frame = new Uint8Array(bytes);
  let filled = 0;
  try {
    for await (const chunk of child.stdout!) {
      for (let at = 0; at < chunk.length; ) {
        const part = chunk.subarray(at, at + bytes - filled);
        frame.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled < bytes) continue;
        yield { data: frame, size };
        frame = new Uint8Array(bytes);
        filled = 0;
      }
    }
    const text = await said;
    if (text !== "") complaint.text = text;
  } finally {
    child.stdout!.destroy();
    child.kill();
  }
}

export interface VideoWriter {
  write(frame: Picture): Promise<void>;
  /** Closes the file. @throws Problem where ffmpeg could not write it */
  finish(): Promise<void>;
  /** Ends ffmpeg without a result. */
  abandon(): void;
}

/**
 * Frames to MP4: H.264 where this ffmpeg has libx264, else MPEG-4 part 2; BT.709, no sound. A side of odd length grows by a black
 * line, since players want even ones.
 */
export async function writeVideo(file: string, { size, rate }: VideoInfo): Promise<VideoWriter> {
  const { stdout } = await execute("ffmpeg", ["-hide_banner", "-v", "error", "-encoders"]);
  const codec = / libx264 /.test(stdout)
    ? ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20"]
    : ["-c:v", "mpeg4", "-q:v", "3"];
  const even = "pad=ceil(iw/2)*2:ceil(ih/2)*2,scale=out_color_matrix=bt709:out_range=tv,format=yuv420p";
  const tags = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"];
  const raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", `${size.width}x${size.height}`, "-r", rate, "-i", "pipe:0"];
  const target = ["-movflags", "+faststart", "-f", "mp4", "-y", `file:${file}`];
  const child = start([...raw, "-vf", even, ...codec, ...tags, ...target], ["pipe", "ignore", "pipe"]);
  const said = collect(child);
  const ended = once(child, "close") as Promise<[number | null]>;
  ended.catch(() => {});
  const { stdin } = child;
  stdin!.on("error", () => {}); // its end is told by the exit code
  const failed = async (): Promise<Problem> =>
    new Problem({
      what: `cannot write "${file}"`,
      found: (await said) || "an ffmpeg that ended",
      todo: "Check the free space and the permissions of the folder.",
    });
  return {
    async write({ data }) {
      if (child.exitCode !== null || stdin!.destroyed) throw await failed();
      if (!stdin!.write(data)) await Promise.race([once(stdin!, "drain"), ended]);
    },
    async finish() {
      stdin!.end();
      const [code] = await ended;
      if (code !== 0) throw await failed();
    },
    abandon() {
      child.kill("SIGKILL");
    },
  };
}

/** In a process group of its own: Ctrl-C is this program's to answer, and ffmpeg ends when its pipe does. */
function start(args: readonly string[], stdio: ("ignore" | "pipe")[]): ChildProcess {
  return spawn("ffmpeg", ["-hide_banner", "-nostdin", "-v", "error", ...args], { stdio, detached: true });
}

/** The last line a process said on stderr, once it has ended. */
async function collect({ stderr }: ChildProcess): Promise<string> {
  let text = "";
  for await (const chunk of stderr!.setEncoding("utf8")) text = (text + chunk).slice(-4000);
  return lastLine(text);
}

const lastLine = (text: string): string => text.trim().split("\n").at(-1)?.trim() ?? "";
