declare module "proxy-from-env" {
  /** The proxy's address for a request by the *_PROXY variables, "" where there is none. */
  export function getProxyForUrl(url: string): string;
}
