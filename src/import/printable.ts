/** Text from reports or a server, for a terminal: control characters, which could steer it, become spaces. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ');
}
