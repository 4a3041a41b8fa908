# Prints the findings of squawk that nothing explains, and the explanations that
# fit no finding; there being any is a failure. First file: the explanations;
# second: FILE:LINE:COLUMN: SEVERITY: RULE TEXT.
FNR == NR {
	if ($0 ~ /^[^#]/) {
		n++
		rule[n] = $1
		place[n] = $2
		if (NF < 3) { print "squawk.explained:" FNR ": without a reason"; bad = 1 }
	}
	next
}
$0 == "" { next }
{
	explained = 0
	for (i = 1; i <= n; i++)
		if ($3 == rule[i] && $1 ~ place[i]) { explained = 1; used[i] = 1 }
	if (!explained) { print; bad = 1 }
}
END {
	for (i = 1; i <= n; i++)
		if (!used[i]) { print "squawk.explained: nothing to explain: " rule[i] " " place[i]; bad = 1 }
	exit bad
}
