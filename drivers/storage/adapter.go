package storage

import (
	"virgo/xml"
)

// checkAdapter checks the SCSI host of a pool, and fills in its type.
func checkAdapter(a *xml.PoolAdapter) error {
	if a == nil {
		return wrong("missing storage pool source adapter")
	}
	switch a.Type {
	case "":
		if a.WWNN != "" || a.WWPN != "" || a.Parent != "" {
			return wrong("Use of 'wwnn', 'wwpn', and 'parent' attributes requires use of the adapter 'type'")
		}
		if a.Name == "" {
			return wrong("missing storage pool source adapter")
		}
		a.Type = "scsi_host"
	case "fc_host":
		return checkFCHost(a)
	}
	switch {
	case a.Name == "" && a.ParentAddr == nil:
		return wrong("Either 'name' or 'parent' must be specified for the 'scsi_host' adapter")
	case a.Name != "" && a.ParentAddr != nil:
		return wrong("Both 'name' and 'parent' cannot be specified for the 'scsi_host' adapter")
	}
	*a = xml.PoolAdapter{Type: a.Type, Name: a.Name, ParentAddr: a.ParentAddr}
	return nil
}

func checkFCHost(a *xml.PoolAdapter) error {
	switch {
	case a.WWNN == "" || a.WWPN == "":
		return wrong("'wwnn' and 'wwpn' must be specified for adapter type 'fchost'")
	case a.ParentWWNN != "" && a.ParentWWPN == "":
		return wrong("when providing parent_wwnn='%s', the parent_wwpn must also be provided", a.ParentWWNN)
	case a.ParentWWPN != "" && a.ParentWWNN == "":
		return wrong("when providing parent_wwpn='%s', the parent_wwnn must also be provided", a.ParentWWPN)
	}
	for _, w := range []string{a.WWNN, a.WWPN, a.ParentWWNN, a.ParentWWPN, a.ParentFabricWWN} {
		if err := xml.CheckWWN(w); w != "" && err != nil {
			return err
		}
	}
	a.Name, a.ParentAddr = "", nil
	return nil
}
