import { Link } from 'wouter';
import classes from './Segments.module.css';

/** Links to the ways a view can be shown, of which one is. */
export function Segments({
  label,
  items,
}: {
  label: string;
  items: { label: string; href: string; current: boolean }[];
}) {
  return (
    <nav className={classes.segments} aria-label={label}>
      {items.map((item) => (
        <Link key={item.label} href={item.href} aria-current={item.current ? 'page' : undefined}>
          {item.label}
        </Link>
      ))}
    </nav>
  );
}
