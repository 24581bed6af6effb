"""Makes the text of small reports for tests."""

NAME = 'Stability_20240401T130702.txt'


def report_text(slices=2, channels=32, measurements=500, sections=('SNR',),
                columns=('mean', 'sd[%]'), cell='%d.%d5', end='\n'):
    """A report with the cells 1.15, 1.25 ... unless `cell` is another format of slice, column."""
    lines = ['Stability configuration: %d slices, %d measurements, %d channels'
             % (slices, measurements, channels), '']
    for section in sections:
        lines += ['Stability %s results:' % section, '', '\t'.join(('slice#',) + tuple(columns))]
        for number in range(1, slices + 1):
            cells = [cell % (number, column) if '%' in cell else cell
                     for column in range(1, len(columns) + 1)]
            lines.append('%2d\t%s' % (number, '\t'.join(cells)))
        lines += ['', '']
    return '\n'.join(lines).rstrip('\n') + end
