/** Line icons of 16 units, drawn for what the dashboard needs. */
const PATHS = {
  overview: 'M2 9.5 5.5 6l3 3L14 3.5M10.5 3.5H14V7M2 13.5h12',
  vulnerability: 'M8 1.8 13.5 4v4c0 3.4-2.3 5.4-5.5 6.4C4.8 13.4 2.5 11.4 2.5 8V4zM8 5v3.5M8 10.8v.1',
  artifact: 'M8 1.8 14 5v6l-6 3.2L2 11V5zM2 5l6 3.2L14 5M8 8.2v6',
  scan: 'M2 5V2.5h2.5M11.5 2.5H14V5M14 11v2.5h-2.5M4.5 13.5H2V11M4 8h8',
  cache:
    'M13.5 3.8c0 1.2-2.5 2.2-5.5 2.2s-5.5-1-5.5-2.2S5 1.6 8 1.6s5.5 1 5.5 2.2zM2.5 3.8v8.4c0 1.2 2.5 2.2 5.5 2.2s5.5-1 5.5-2.2V3.8M2.5 8c0 1.2 2.5 2.2 5.5 2.2s5.5-1 5.5-2.2',
  add: 'M8 10.5V2M4.8 5 8 1.8 11.2 5M2 10v3.5h12V10',
  search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.6 10.6 14 14',
  menu: 'M2 4h12M2 8h12M2 12h12',
  close: 'M3.5 3.5l9 9M12.5 3.5l-9 9',
  sun: 'M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1',
  moon: 'M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7z',
  system: 'M2 3h12v8H2zM5.5 14h5M8 11v3',
  filter: 'M2 3h12l-4.5 5.5V13l-3-1.5v-3z',
  down: 'M4 6l4 4 4-4',
  right: 'M6 4l4 4-4 4',
  left: 'M10 4 6 8l4 4',
  up: 'M4 10l4-4 4 4',
  sort: 'M5 6l3-3 3 3M5 10l3 3 3-3',
  copy: 'M5.5 5.5h8v8h-8zM2.5 10.5v-8h8',
  check: 'M3 8.5 6.5 12 13 4.5',
  download: 'M8 2v8.5M4.8 7.5 8 10.7l3.2-3.2M2 13.5h12',
  swap: 'M2 5.5h11M10 2.5l3 3-3 3M14 10.5H3M6 7.5l-3 3 3 3',
  trash: 'M2.5 4.5h11M6 4.5v-2h4v2M4 4.5l.7 9h6.6l.7-9',
  edit: 'M3 13l.7-3L11 2.7 13.3 5 6 12.3z',
  external: 'M6.5 3H3v10h10V9.5M9.5 3H13v3.5M13 3 7.5 8.5',
  pause: 'M5.5 3v10M10.5 3v10',
  play: 'M4.5 2.5v11l9-5.5z',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
