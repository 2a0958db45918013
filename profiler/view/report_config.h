#ifndef VIEW_REPORT_CONFIG_H
#define VIEW_REPORT_CONFIG_H

#include <stdbool.h>

/*
 * How a report is to look: what google/pprof calls its configuration, with its names and defaults. Strings
 * are never NULL and belong to whoever made the config.
 */

enum granularity {
    GRANULARITY_FUNCTIONS,
    GRANULARITY_FILEFUNCTIONS,
    GRANULARITY_FILES,
    GRANULARITY_LINES,
    GRANULARITY_ADDRESSES,
};

enum sort_order { SORT_FLAT, SORT_CUM };

struct config {
    const char *output;
    bool call_tree, relative_percentages, compact_labels, intel_syntax, mean, normalize, show_columns;
    const char *unit, *source_path, *trim_path, *sample_index;
    double divide_by;
    int sort; /* enum sort_order */
    const char *tagroot, *tagleaf;
    bool drop_negative, trim, no_inlines;
    int nodecount; /* -1: the report's default */
    double nodefraction, edgefraction;
    const char *focus, *ignore, *prune_from, *hide, *show, *show_from;
    const char *tagfocus, *tagignore, *tagshow, *taghide;
    int granularity; /* enum granularity */
};

#define CONFIG_DEFAULT                                                                                      \
    {                                                                                                       \
        .output = "", .unit = "minimum", .source_path = "", .trim_path = "", .sample_index = "",            \
        .divide_by = 1, .tagroot = "", .tagleaf = "", .trim = true, .nodecount = -1, .nodefraction = 0.005, \
        .edgefraction = 0.001, .focus = "", .ignore = "", .prune_from = "", .hide = "", .show = "",         \
        .show_from = "", .tagfocus = "", .tagignore = "", .tagshow = "", .taghide = "", .sort = SORT_FLAT,  \
        .granularity = GRANULARITY_FUNCTIONS,                                                               \
    }

#endif
