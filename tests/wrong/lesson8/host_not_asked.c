/* fails: host_and_token */
/* Only this machine gets through to loopback: and so does every page that a browser on it shows. */
#define IS_OUR_NAME(host) ((void)(host), true)
#include "almost.h"
