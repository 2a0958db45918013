# bash completion for pprof; made by pprof -completions=bash.
# An option's value may follow it or a =, which bash takes for a word of its own.
_pprof() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} option='' options
    if [[ $cur == = ]]; then
        option=$prev cur=''
    elif [[ $prev == = ]]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}
    else
        option=$prev
    fi
    [[ $option != --* ]] || option=${option#-}
    options=' -callgrind -comments -csv -disasm= -dot -eog -evince -flame -folded -gif -growth -gv -jpg -json -kcachegrind -list= -pdf -peek= -png -proto -ps -raw -svg -tags -text -top -topproto -traces -tree -web -weblist= -call_tree -compact_labels -divide_by= -drop_negative -edgefraction= -focus= -functions -filefunctions -files -lines -addresses -hide= -ignore= -intel_syntax -mean -nodecount= -nodefraction= -noinlines -normalize -output= -prune_from= -relative_percentages -sample_index= -show= -show_from= -showcolumns -flat -cum -source_path= -tagfocus= -taghide= -tagignore= -tagleaf= -tagroot= -tagshow= -trim -trim_path= -unit= -seconds= -timeout= -base= -diff_base= -fail_if= -buildid= -add_comment= -source_label= -all_frames -symbolize= -token= -tls_cert= -tls_key= -tls_ca= -tools= -http= -no_browser -triage -stats= -compare -completions= -help -version -total_delay -mean_delay -contentions -inuse_space -inuse_objects -alloc_space -alloc_objects'
    COMPREPLY=()
    case $option in
    -sample_index) mapfile -t COMPREPLY < <(compgen -W 'cpu samples delay contentions inuse_space inuse_objects alloc_space alloc_objects time threads' -- "$cur") ;;
    -unit) mapfile -t COMPREPLY < <(compgen -W 'minimum auto ns us ms s minutes hours bytes kb mb gb count' -- "$cur") ;;
    -symbolize) mapfile -t COMPREPLY < <(compgen -W 'none local fastlocal remote force demangle=none demangle=full demangle=templates' -- "$cur") ;;
    -completions) mapfile -t COMPREPLY < <(compgen -W 'bash zsh fish' -- "$cur") ;;
    -output | -source_path | -base | -diff_base | -tls_cert | -tls_key | -tls_ca | -tools) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
    *)
        if [[ $cur == -* ]]; then
            mapfile -t COMPREPLY < <(compgen -W "$options" -- "-${cur##*-}")
            [[ ${COMPREPLY[*]-} != *= ]] || compopt -o nospace 2>/dev/null
        else
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        fi
        ;;
    esac
}
complete -o filenames -F _pprof pprof
